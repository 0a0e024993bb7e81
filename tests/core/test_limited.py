"""Work in a process of its own: it ends at its limits, and says how and where it ended."""

import inspect
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from labeler.core.limited import LimitedProcess, LimitError, Limits, place_in, run_limited
from tests.support import limited_work as work

FILE = Path(work.__file__)


def line_of(function: Callable[..., object], text: str) -> int:
    """The line of the file in which the function has this text."""
    lines, first = inspect.getsourcelines(function)
    return first + next(number for number, line in enumerate(lines) if text in line)


@pytest.fixture(scope="module")
def process():
    with LimitedProcess("The work", Limits(30, 300), FILE) as limited:
        yield limited


def test_results_messages_and_errors_come_from_one_process(process):
    messages: list[object] = []
    assert process.call(work.doubled, 21, on_message=messages.append) == 42
    assert messages == [{"at": 21}]
    before = process.call(work.its_process)
    with pytest.raises(ValueError, match="no such thing"):
        process.call(work.fails)
    with pytest.raises(RuntimeError, match="CannotTravelError: kept here"):
        process.call(work.fails_in_its_own_way)
    assert process.call(work.its_process) == before


@pytest.mark.parametrize(
    ("function", "ending", "at"),
    [
        (work.eats, "memory", "eaten.append"),
        (work.calls_exit, "crashed", "sys.exit"),
        (work.crashes, "crashed", "string_at"),
        (work.is_killed, "killed", None),
    ],
)
def test_what_ends_is_told_with_its_line_and_the_next_work_runs(process, function, ending, at):
    with pytest.raises(LimitError) as raised:
        process.call(function)
    assert raised.value.ending == ending
    assert raised.value.place == (at and f"limited_work.py, line {line_of(function, at)}")
    assert process.call(work.doubled, 1) == 2


def test_a_loop_is_ended_at_its_limit_with_its_line_and_leaves_no_process(process):
    number = process.call(work.its_process)
    with pytest.raises(
        LimitError, match=r"^The work took longer than 0\.5 seconds and was ended\. It was at"
    ) as raised:
        process.call(work.loops, seconds=0.5)
    lines = {line_of(work.loops, "while True"), line_of(work.loops, "while True") + 1}
    assert raised.value.place in {f"limited_work.py, line {line}" for line in lines}
    assert not psutil.pid_exists(number)


def test_who_takes_the_messages_can_end_the_work():
    class CancelledError(Exception):
        pass

    def cancel(message: object) -> None:
        raise CancelledError(message)

    with pytest.raises(CancelledError, match="looping"):
        run_limited(work.loops, name="The work", limits=Limits(30, 300), on_message=cancel)


def test_the_main_threads_line_counts_and_letters_beyond_ascii_are_read():
    trace = (
        'Thread 0x01 (most recent call first):\n  File "/home/a/watch.py", line 1 in watch\n\n'
        'Current thread 0x02 (most recent call first):\n  File "/lib/x.py", line 2 in x\n'
        '  File "/home/\\uc774/mine.py", line 34 in f\n'
    )
    assert place_in(trace) == "x.py, line 2"
    assert place_in(trace, Path("/home/이")) == "mine.py, line 34"
    assert place_in(trace, Path("/elsewhere")) is None
