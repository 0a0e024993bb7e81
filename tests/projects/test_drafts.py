"""A draft becomes a project with its items, or nothing at all."""

import pandas as pd
import pytest

from labeler.core.errors import LabelerError
from labeler.files.sources import SourceColumns
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.drafts import Draft, create, single_classes
from tests.support.samples import reviews


@pytest.fixture
def draft(tmp_path):
    frame = pd.DataFrame(reviews(40), columns=["text", "label"]).assign(site=["A", "B"] * 20)
    frame["verdict"], frame["country"] = frame["label"], "KR"
    frame.to_csv(tmp_path / "films.csv", index=False)
    return Draft(
        "Films",
        "text",
        ("good", "bad"),
        guidelines="# Rules",
        source=tmp_path / "films.csv",
        columns=SourceColumns(text="text", label="label"),
        keep_labels="holdout",
        shown=("site", "verdict"),
        dropped=("country",),
    )


def test_a_draft_becomes_a_project_with_items_guidelines_and_columns(draft, own_home):
    creation = create(draft, own_home, "The form")
    assert creation.report.added == 40
    assert creation.project.config.dicom.drop_columns == ("country",)  # also where nothing is de-identified
    assert guidelines.text_of(creation.project) == "# Rules"
    with creation.project.store() as store:
        assert store.items.counts().labeled == 0
        assert store.items.counts().holdout_labeled == creation.report.holdout
        assert set(store.items.get(1).metadata) == {"site", "verdict"}


def test_a_column_that_tells_the_label_is_refused_and_the_others_are_shown(own_home, tmp_path):
    frame = pd.DataFrame(reviews(60), columns=["text", "label"]).assign(site=["A", "A", "B", "B"] * 15)
    frame.assign(verdict=frame["label"]).to_csv(tmp_path / "films.csv", index=False)
    columns = SourceColumns(text="text", label="label")
    source = tmp_path / "films.csv"
    shown = ("site", "verdict")
    creation = create(Draft("F", "text", ("good", "bad"), source=source, columns=columns, shown=shown), own_home, "")
    assert projects.open_project(creation.project.folder).config.labeling.show_columns == ("site",)
    assert [problem.fields["column"] for problem in creation.refused] == ["verdict"]


@pytest.mark.parametrize("columns", [SourceColumns(text="nothing"), SourceColumns(text="text", label="site")])
def test_no_project_is_left_behind_where_nothing_can_be_imported(draft, own_home, columns):
    wrong = Draft("Films", "text", ("good", "bad"), source=draft.source, columns=columns)
    with pytest.raises(LabelerError):
        create(wrong, own_home, "The form")
    assert projects.in_home(own_home) == []


def test_cells_with_several_classes_are_taken_apart():
    assert single_classes(["a;b", "b", '["c"]'], "several") == ("a", "b", "c")
    assert single_classes(["a;b", "b"], "one") == ("a;b", "b")
