"""Work on this machine: in this process, or shared among processes."""

import os
from functools import partial

import pytest

from labeler.core.errors import LabelerError
from labeler.engine.engines import current, working_on
from labeler.engine.local import LocalEngine
from tests.support.warm_processes import simulate_in_warm_processes


def times(factor: int, number: int, report) -> int:
    report(number)
    return factor * number


def where(number: int, report) -> int:
    return os.getpid()


def end(number: int, report) -> None:
    os._exit(1)


@pytest.fixture
def warm_processes(monkeypatch):
    """Processes begin with everything loaded."""
    simulate_in_warm_processes(monkeypatch)


def test_results_come_in_the_order_of_the_chunks_and_parts_are_reported():
    parts: list[int] = []
    assert [*LocalEngine().map(partial(times, 3), iter([1, 2, 5]), parts.append)] == [3, 6, 15]
    assert parts == [1, 2, 5]
    assert [*LocalEngine().map(where, [1])] == [os.getpid()]


def test_chunks_are_read_one_at_a_time():
    chunks = iter(range(9))
    results = LocalEngine().map(partial(times, 1), chunks)
    assert next(results) == 0
    assert next(chunks) == 1


def test_a_call_is_made_in_this_process():
    assert LocalEngine().call(os.getpid) == os.getpid()


@pytest.mark.usefixtures("warm_processes")
def test_processes_share_chunks():
    parts: list[int] = []
    assert [*LocalEngine().map(partial(times, 3), [1, 2, 5], parts.append, processes=2)] == [3, 6, 15]
    assert sum(parts) == 8
    assert os.getpid() not in LocalEngine().map(where, [1, 2], processes=1)


@pytest.mark.usefixtures("warm_processes")
def test_a_process_that_is_ended_is_told_in_a_sentence():
    with pytest.raises(LabelerError, match="ended from outside"):
        [*LocalEngine().map(end, [1], processes=1)]


def test_the_engine_is_this_machine_but_within_a_block_that_names_another():
    class Other(LocalEngine):
        apart = True

    assert not current().apart
    with working_on(Other()):
        assert current().apart
    assert not current().apart
