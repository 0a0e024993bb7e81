"""A project whose newest items are of another world: what the audit says of them, and where that is shown."""

import numpy as np
import pytest

from labeler.core.items import NewItem, Split, StillOpen
from labeler.cycle.drift import loaded
from labeler.jobs.audits import audit_once
from labeler.jobs.rounds import work_once
from labeler.report.page import page
from labeler.report.sentences.drift import HOW_SURE, has_changed, sentences, table
from labeler.report.status import status
from labeler.store.items import Items
from tests.support.pages import visit
from tests.support.samples import reviews

ROWS = [reviews(320)[i] for i in np.random.default_rng(0).permutation(320)]
NOTHING_LEFT = StillOpen(0, 0, 0)


def item(i: int, is_other: bool) -> NewItem:
    """Of 160 items of an import, 70 are in the holdout; all of the first import, and of the holdout, have a label."""
    text, label = ROWS[i]
    is_first, in_holdout = i < 160, i % 160 < 70
    if is_other:
        text, label = text[::-1] + " 12345 67890", "good" if i % 5 else "bad"
    content = f"{i * 2654435761 % 2**32:032x}"
    split: Split = "holdout" if in_holdout else "pool"
    return NewItem(content, f"row {i}", text, split=split, label=label if is_first or in_holdout else None)


def audited(project, is_other: bool):
    with project.store() as store:
        for first, name in ((0, "first.csv"), (160, "second.csv")):
            number = store.imports.begin(name)
            store.items.add([item(i, is_other and first > 0) for i in range(first, first + 160)], number)
        store.rounds.request("test")
    work_once(project)
    audit_once(project)
    with project.store() as store:
        return loaded(store.audits.latest_report()["drift"])


@pytest.mark.slow
def test_new_items_of_another_world_are_called_so_wherever_people_look(project, monkeypatch):
    drift = audited(project, is_other=True)
    assert drift.labeled == (70, 70)
    assert drift.accuracy.is_sure
    assert drift.accuracy.difference.high < 0
    assert drift.classes["good"].newest.value == pytest.approx(0.8)
    assert drift.classes["good"].is_sure
    assert drift.content.is_sure
    said = sentences(drift, StillOpen(1, 0, 1))
    assert "it is worse on new items" in said[0]
    assert said[1].startswith("Classes are more or less frequent among new items: good 80%, before ")
    assert said[2].startswith("New items look different: of 100 pairs")
    assert said[3].startswith("Label more of the new items")
    assert sentences(drift, NOTHING_LEFT)[3].startswith("Raise the share of later items")
    assert [row["labeled holdout items"] for row in table(drift)] == ["70", "70"]
    app = visit("progress", part="Holdout")
    assert any("it is worse on new items" in warning.value for warning in app.warning)
    assert "Label more of the new items" in page(project)
    assert status(project)["new_items_differ"] is True
    monkeypatch.setattr(Items, "still_open", lambda items: NOTHING_LEFT)
    assert "Label more of the new items" not in (report := page(project))
    assert "Raise the share of later items" in report


@pytest.mark.slow
def test_new_items_like_the_earlier_ones_are_not_called_different(project):
    drift = audited(project, is_other=False)
    assert not has_changed(drift)
    app = visit("progress", part="Holdout")
    assert any(HOW_SURE in caption.value for caption in app.caption)
    assert any("the difference may be chance" in text.value for text in app.markdown)
    assert status(project)["new_items_differ"] is False


def test_items_of_one_import_are_not_compared(project):
    with project.store() as store:
        store.items.add([item(i, False) for i in range(160)], store.imports.begin("only.csv"))
        store.rounds.request("test")
    work_once(project)
    audit_once(project)
    with project.store() as store:
        assert store.audits.latest_report()["drift"] is None
    assert sentences(None, NOTHING_LEFT) == table(None) == []
