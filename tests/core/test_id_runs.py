"""Ids as runs are what the same ids in an array are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.id_runs import IdRuns

IDS = st.lists(st.integers(1, 30), unique=True)


@given(ids=IDS, start=st.integers(-5, 35), length=st.integers(0, 40), backwards=st.booleans())
def test_runs_have_the_ids_at_their_places(ids, start, length, backwards):
    runs = reversed(IdRuns.of(ids)) if backwards else IdRuns.of(ids)
    ordered = ids[::-1] if backwards else ids
    assert len(runs) == len(ids)
    assert runs[start : start + length].tolist() == ordered[start : start + length]
    assert [runs.place_of(item) for item in ordered] == [*range(len(ids))]
    assert runs.has(np.arange(32)).tolist() == [item in ids for item in range(32)]


@given(last=st.integers(0, 30), without=IDS)
def test_all_but_a_few_are_the_others(last, without):
    runs = IdRuns.all_but(last, np.array(sorted(without), dtype=np.int64))
    assert runs[:].tolist() == [item for item in range(1, last + 1) if item not in without]
    assert runs.place_of(31) is None
    assert [runs.up_to(item) for item in range(32)] == [sum(runs[:] <= item) for item in range(32)]


@given(ids=IDS, without=IDS)
def test_some_are_taken_out(ids, without):
    runs = IdRuns.of(sorted(ids)).without(np.array(without, dtype=np.int64))
    assert runs[:].tolist() == sorted({*ids} - {*without})
