"""A project whose pool grows: two imports, rounds before and after, and what their figures are of."""

from dataclasses import replace

import pandas as pd
import pytest

from labeler.core.arrivals import Newer
from labeler.core.items import Answer
from labeler.core.settings import EvaluationConfig
from labeler.files.sources import SourceColumns
from labeler.jobs.rounds import work_once
from labeler.measure.forecasts import on_labels, sampling_of
from labeler.progress import stopping
from labeler.progress.history import comparable, course, history, latest_step, thresholds
from labeler.projects.importer import import_source
from labeler.report.facts import standing_of
from labeler.report.standing import limitations
from labeler.report.status import status
from labeler.store import Store
from tests.support.samples import reviews

TRUE = dict(reviews(400))


def import_texts(project, folder, texts: list[str]) -> None:
    path = folder / f"{len(texts)}.csv"
    pd.DataFrame({"text": texts}).to_csv(path, index=False)
    import_source(project, path, SourceColumns(text="text"))


def label(store: Store, split: str, n: int, wrong: bool = False) -> None:
    """Label `n` open items of a split, in the order of the latest ranking, as others see them if `wrong`."""
    known = store.items.labels()
    latest = store.rounds.latest()
    ranked = [row["item_id"] for row in store.rounds.ranking(latest.number)] if latest else []
    items = sorted((i for i in store.items.all() if i.split == split and i.id not in known), key=lambda i: i.id)
    items.sort(key=lambda item: ranked.index(item.id) if item.id in ranked else len(ranked))
    for item in items[:n]:
        said = TRUE[item.text]
        if wrong and item.id > 100:  # the later items are of another world
            said = "bad" if said == "good" else "good"
        store.answers.add("kim", [Answer(f"kim-{item.id}", item.id, "label", said, 1.0, "t")])


@pytest.fixture
def grown(project, tmp_path):
    """A hundred texts with a measured round; then three hundred, half of which may join the holdout."""
    project = project.save(
        replace(project.config, evaluation=EvaluationConfig(later_share=0.2), labeling=replace(project.config.labeling,
                holdout_share=0.5))
    )  # fmt: skip
    import_texts(project, tmp_path, [*TRUE][:100])
    with project.store() as store:
        label(store, "pool", 30)
        label(store, "holdout", 15)
    work_once(project)
    import_texts(project, tmp_path, [*TRUE][100:])
    return project


def test_figures_become_those_of_all_items_and_earlier_rounds_stay_what_they_were(grown):
    with grown.store() as store:
        (first,) = store.rounds.all()
        assert first.metrics is not None
        assert (first.metrics.n, first.metrics.later) == (15, None)
        newer = store.items.counts().newer
        assert newer.items == pytest.approx(60, abs=25)
        assert (newer.labeled, newer.stand_for, newer.missing) == (0, 300, 20)
    work_once(grown)
    with grown.store() as store:
        second = store.rounds.all()[-1]
        assert second.metrics is not None
        assert (second.metrics.n, second.metrics.later) == (15, None)  # no label of the later items yet
        so_far = history(course(store), store.items.counts(), grown.config)
        judged = stopping.target(so_far, thresholds(grown.config))
        assert (judged.met, judged.value, judged.why_not) == (False, None, stopping.NEWER_UNMEASURED)
        label(store, "holdout", 30, wrong=True)
        store.rounds.request("test")
    work_once(grown)
    with grown.store() as store:
        rounds = store.rounds.all()
        assert rounds[0].metrics == first.metrics
        assert [r.metrics.later for r in rounds if r.metrics] == [None, 30, 30]  # round 2 had predicted them
        latest, forecast = rounds[-1].metrics, store.forecasts.get(3, "holdout")
        labeled = on_labels(forecast, store.items.holdout_labels(), grown.config, sampling_of(store))
        assert labeled is not None
        shares = [labeled.right[labeled.parts.later == part].mean() for part in (False, True)]
        stand_for = len(store.items.later.arrivals().chances) / 0.2
        expected = (100 * shares[0] + stand_for * shares[1]) / (100 + stand_for)
        assert latest.accuracy == pytest.approx(expected)
        assert latest.accuracy < first.metrics.accuracy - 0.2
        assert comparable(course(store)).tolist() == [False, True, True]
        so_far = history(course(store), store.items.counts(), grown.config)
        assert so_far.accuracy[0] is None
        assert stopping.target(so_far, thresholds(grown.config)).value == latest.low
        stands = standing_of(grown, store)
        words = limitations(stands, stands.rounds.dropna(subset=["accuracy"]))
        assert any(sentence.startswith("From round 2 on, the accuracy is also of items") for sentence in words)
        step = latest_step(store)
        assert step is not None
        assert (step.before, step.now) == (2, 3)


def test_the_holdout_is_asked_in_an_order_that_each_item_has_for_good(grown):
    work_once(grown)

    def asked(store) -> list[int]:
        number = store.rounds.latest().number
        return [row["item_id"] for row in store.rounds.ranking(number) if row["strategy"] == "holdout"]

    with grown.store() as store:
        before = asked(store)
        label(store, "holdout", 3)
        assert not set(before[:3]) - set(store.items.holdout_labels())
        store.rounds.request("test")
    work_once(grown)
    with grown.store() as store:
        again = asked(store)
        assert len(before) > 6
        assert again[: len(before) - 3] == before[3:]


def test_without_a_share_the_items_of_a_later_import_are_counted_and_no_figure_speaks_of_them(project, tmp_path):
    import_texts(project, tmp_path, [*TRUE][:40])
    import_texts(project, tmp_path, [*TRUE][40:60])
    with project.store() as store:
        counts = store.items.counts()
        assert (counts.holdout, counts.newer) == (6, Newer(without=20))
    assert "20 items came with later imports of which no share joined" in " ".join(status(project)["sentences"])
