"""Comparisons of strategies through the public API: how they are asked for."""

import pytest

from tests.support.programs import program

P = "/projects/reviews/comparisons"
FILE = ("files", ("letters.csv", b"text,label\nfine,good\npoor,bad\n"))


@pytest.mark.parametrize("names", [["margin,entropy"], ["margin", "entropy"]])
def test_the_strategies_of_a_form_stand_in_one_field_or_in_several(project, names):
    reply = program().post(P, files=[FILE, *(("strategies", (None, name)) for name in names)])
    assert reply.status_code == 202, reply.text
    with project.store() as store:
        (asked,) = store.comparisons.all()
    assert asked.request.strategies == ("margin", "entropy")


def test_a_comparison_of_no_strategies_is_refused(project):
    assert program().post(P, json={"strategies": []}).status_code == 400
    assert program().post(P, files=[FILE]).status_code == 400
