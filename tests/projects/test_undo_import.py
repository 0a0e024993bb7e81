"""An import undone: its items go, all answers of people stay, and the same file can be imported again."""

import pandas as pd
import pytest

from labeler.core.errors import LabelerError
from labeler.core.items import Answer
from labeler.files.sources import SourceColumns
from labeler.projects.importer import import_source, undo_import
from labeler.store import IMPORT
from tests.support.samples import reviews

WITH_LABELS = SourceColumns(label="label")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "films.csv"
    pd.DataFrame(reviews(40), columns=["text", "label"]).to_csv(path, index=False)
    return path


def pool_of(project) -> list[int]:
    with project.store() as store:
        return [item.id for item in store.items.all() if item.split == "pool"]


def test_items_that_people_answered_stay_and_the_others_go(project, table):
    import_source(project, table)
    first, second = pool_of(project)[:2]
    with project.store() as store:
        store.answers.add("kim", [Answer("1", first, "label", "good"), Answer("2", second, "flag")])
        [record] = store.imports.all()
    assert (record.source, record.items, record.answered) == ("films.csv", 40, 2)
    assert undo_import(project, record.id, "lead") == 38
    with project.store() as store:
        assert {item.id for item in store.items.all()} == {first, second}
        assert (store.items.counts().pool, store.items.counts().holdout) == (2, 0)
        assert [row["item_id"] for row in store.answers.export()] == [first, second]
        assert store.desk.reserve("lee", "tab", 5) == []  # one has its label, the other waits for the lead
        [record] = store.imports.all()
    assert (record.items, record.undone_by) == (2, "lead")
    with pytest.raises(LabelerError, match="undone before"):
        undo_import(project, record.id, "lead")


def test_wrong_labels_go_with_their_import_and_right_ones_come_with_the_next(project, tmp_path, table):
    wrong = tmp_path / "wrong.csv"
    frame = pd.read_csv(table)
    frame.assign(label=frame["label"].map({"good": "bad", "bad": "good"})).to_csv(wrong, index=False)
    import_source(project, wrong, WITH_LABELS)
    with project.store() as store:
        [record] = store.imports.all()
    assert undo_import(project, record.id, "lead") == 40
    with project.store() as store:
        assert store.items.labels() == {}
        assert store.answers.export() == []
        assert store.items.labels_by(IMPORT) == 0
    report = import_source(project, table, WITH_LABELS)
    assert (report.added, report.duplicates, report.labels_added) == (40, 0, 40)
    assert (report.pool, report.holdout) == (34, 6)
    with project.store() as store:
        labels, texts = store.items.labels(), {item.id: item.text for item in store.items.all()}
    assert {texts[item]: label for item, label in labels.items()} == dict(reviews(40))


def test_items_of_an_undone_import_are_not_asked_from_the_ranking(project, table):
    import_source(project, table)
    with project.store() as store:
        held = store.desk.reserve("kim", "tab", 3)
        [record] = store.imports.all()
    undo_import(project, record.id, "lead")
    with project.store() as store:
        assert store.desk.reserve("kim", "tab", 3) == []
        assert store.desk.reserve("lee", "tab", 3) == []
        assert store.answers.add("kim", [Answer("late", held[0].item.id, "label", "good")])[0].ok
        assert [item.id for item in store.items.all()] == [held[0].item.id]


def test_an_import_that_brings_nothing_is_not_listed(project, table):
    import_source(project, table)
    import_source(project, table)
    with project.store() as store:
        assert len(store.imports.all()) == 1
