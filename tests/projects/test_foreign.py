"""Predictions of somebody else's models that enter a project: which item each is of, and what is left out."""

import numpy as np
import pytest

from labeler.core.errors import LabelerError
from labeler.core.items import ForeignPrediction, NewItem, Problem
from labeler.projects import foreign
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.samples import text_config


@pytest.fixture
def project(tmp_path) -> Project:
    """Four items; two of them came from the same place."""
    made = projects.create(tmp_path / "reviews", text_config())
    with made.store() as store:
        sources = ["a.csv row 2", "a.csv row 3", "b.csv row 2", "b.csv row 2"]
        store.items.add([NewItem(f"{n:032x}", name, f"t{n}", split="pool") for n, name in enumerate(sources)])
    return made


def says(row: str, *names: str, version: str = "4", **given) -> ForeignPrediction:
    return ForeignPrediction("GPT-like", names, version=version, row=row, **given)


def stored(project: Project) -> dict[str, dict[int, str]]:
    with project.store() as store:
        said = {model.title: store.foreign.of(model, range(1, 9)) for model in store.foreign.all()}
    return {title: dict(zip(of.items.tolist(), of.labels, strict=True)) for title, of in said.items()}


def test_an_item_is_found_by_its_number_its_content_or_its_source(project: Project):
    (added,) = foreign.add(
        project,
        [
            says("g row 2", "bad", item_id=4, item="of nothing"),
            says("g row 3", "good", item=f"{1:032x}"),
            says("g row 4", "bad", item_source="a.csv row 2", probabilities={"good": 0.2, "bad": 0.6}),
        ],
        "g",
    )
    assert (added.n, added.left_out, added.replaced) == (3, 0, False)
    assert stored(project) == {"GPT-like 4": {1: "bad", 2: "good", 4: "bad"}}
    with project.store() as store:
        said = store.foreign.of(store.foreign.all()[0], [1])
    assert said.proba[0].tolist() == pytest.approx([0.25, 0.75])  # they sum to 1
    assert said.confidence.tolist() == pytest.approx([0.75])


def test_what_fits_nothing_is_left_out_and_named_by_its_row(project: Project):
    (added,) = foreign.add(
        project,
        [
            says("g row 2", "good", item_id=1),
            says("g row 3", "good", item_id=77),
            says("g row 4", "good", item_source="b.csv row 2"),
            says("g row 5", "ugly", item_id=2),
            says("g row 6", "good", item_id=2, confidence=1.5),
            says("g row 7", "good", "bad", item_id=2),
            says("g row 8", item_id=2),
            Problem("g row 9", "has 1 fields where the header has 2"),
            says("g row 10", "bad", item_id=1),
        ],
        "g",
    )
    assert [problem.source for problem in added.problems] == [f"g row {n}" for n in range(3, 10)]
    assert (added.n, added.repeated) == (1, 1)
    assert stored(project) == {"GPT-like 4": {1: "good"}}  # the first row of an item counts


def test_another_import_of_a_version_replaces_it_whole_or_not_at_all(project: Project):
    foreign.add(project, [says("g row 2", "good", item_id=n) for n in (1, 2)], "g")
    foreign.add(project, [says("g row 2", "bad", item_id=1, version="5")], "g")
    before = stored(project)
    with pytest.raises(LabelerError, match=r"nothing was imported\. g row 2: is of no item"):
        foreign.add(project, [says("g row 2", "bad", item_id=77)], "g")

    def cut_off():
        yield says("g row 2", "bad", item_id=1)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        foreign.add(project, cut_off(), "g")
    assert stored(project) == before
    (added,) = foreign.add(project, [says("g row 2", "bad", item_id=3)], "g")
    assert added.replaced
    assert stored(project) == {"GPT-like 4": {3: "bad"}, "GPT-like 5": {1: "bad"}}


def test_several_models_of_one_file_come_together(project: Project):
    first, second = foreign.add(
        project, [says("g row 2", "good", item_id=1), says("g row 2", "bad", item_id=1, version="5")], "g"
    )
    assert (first.title, second.title) == ("GPT-like 4", "GPT-like 5")
    assert stored(project) == {"GPT-like 5": {1: "bad"}, "GPT-like 4": {1: "good"}}


def test_the_probability_of_the_prediction_alone_says_nothing_of_the_other_classes(tmp_path):
    project = projects.create(tmp_path / "three", text_config(classes=("good", "bad", "mixed")))
    with project.store() as store:
        store.items.add([NewItem(f"{n:032x}", f"row {n}", f"t{n}", split="pool") for n in range(2)])
    given = [{"good": 0.6}, {"good": 0.995}]
    foreign.add(project, [says("g", "good", item_id=n, probabilities=p) for n, p in enumerate(given, 1)], "g")
    with project.store() as store:
        said = store.foreign.of(store.foreign.all()[0], [1, 2])
    assert np.isnan(said.proba[0]).all()
    assert said.proba[1].tolist() == [1, 0, 0]
    assert said.confidence.tolist() == pytest.approx([0.6, 0.995])


def test_an_item_may_have_several_classes_or_none(tmp_path):
    project = projects.create(tmp_path / "several", text_config(answers="several"))
    with project.store() as store:
        store.items.add([NewItem(f"{n:032x}", f"row {n}", f"t{n}", split="pool") for n in range(3)])
    foreign.add(
        project,
        [
            says("g row 2", "bad", "good", item_id=1),
            says("g row 3", item_id=2),
            says("g row 4", "bad", "good", item_id=3, probabilities={"bad": 0.8, "good": 0.7}),
        ],
        "g",
    )
    assert stored(project) == {"GPT-like 4": {1: '["good","bad"]', 2: "[]", 3: '["good","bad"]'}}
    with project.store() as store:
        assert store.foreign.of(store.foreign.all()[0], [3]).confidence.tolist() == pytest.approx([0.8 * 0.7])
