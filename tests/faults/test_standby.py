"""A host is lost while people answer, and its standby goes on: what it said it holds is there, once each."""

from argparse import Namespace
from random import Random

import pytest

from bench.desk.standby import measured


@pytest.mark.thorough
@pytest.mark.timeout(180)
def test_a_lost_host_costs_what_came_after_the_moment_of_its_standby(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELER_HOME", "")  # it is changed
    options = Namespace(items=300, annotators=6, every=1.0, lease=2.0, seconds=4.0, pace=0.2)
    line = measured(tmp_path, options, Random(1))
    assert line["refused_while_alive"]
    assert line["taken_over"]
    assert line["acknowledged"] > 20
    assert line["lost"] < line["acknowledged"]
    assert [line["before_its_moment"], line["doubled"], line["unsent"], line["refused"]] == [0, 0, 0, 0]
