"""The Holdout and Slices parts of the Progress page: figures with intervals, cells with items, more of a slice."""

from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from labeler.core.items import Answer, NewItem
from labeler.core.labels import join
from labeler.core.rounds import FinishedRound, Forecast, Ranked, RoundResult
from labeler.core.settings import EvaluationConfig
from labeler.measure.forecasts import remeasured
from labeler.projects import project as projects
from pages.progress.holdout import classes_frame, judged, measured
from tests.support.fill import rank
from tests.support.pages import everything, visit, widget
from tests.support.samples import letters, topics_config

HELD, POOL = 40, 60


def finish(store, proba: np.ndarray, items: np.ndarray, labels: int = 20) -> None:
    """A finished round whose model says this of the holdout."""
    result = RoundResult(labels, "margin", 7, None, (Ranked(0, "margin", 1.0),), 0.1, 0.2)
    with store.write():
        store.rounds.request("test")
        job = store.rounds.claim()
        finished = FinishedRound(
            store.rounds.next_number(),
            result,
            [int(items[-1]) + 1],
            forecasts={"holdout": Forecast(items, proba)},
            model="models/m",
        )
        store.rounds.finish(job, finished)


@pytest.fixture
def filled(project):
    """Forty holdout items of two sites, of which the model gets "B" mostly wrong, and a pool of sixty."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{i:032x}",
                    f"row {i}",
                    text=f"letter number {i}",
                    split="holdout" if i < HELD else "pool",
                    label=("good" if i % 4 < 2 else "bad") if i < HELD - 4 else None,
                    metadata={"site": "AB"[i % 2], "id": f"x{i}"},
                )
                for i in range(HELD + POOL)
            ]
        )
        items = np.arange(1, HELD + 1)
        says_good = np.array([(i % 4 < 2) if i % 2 == 0 or i % 10 == 1 else (i % 4 >= 2) for i in range(HELD)])
        sure = np.linspace(0.6, 0.95, HELD)
        good = np.where(says_good, sure, 1 - sure)
        proba = np.stack([good, 1 - good], axis=1).astype(np.float32)
        finish(store, proba[:, ::-1], items, labels=10)
        finish(store, proba, items)
    return project


def open_part(name: str):
    app = visit()
    app.query_params["part"] = name
    app.switch_page("progress/page.py").run()
    assert not app.exception, app.exception
    return app


@pytest.mark.slow
def test_figures_come_with_intervals_and_in_words(filled):
    text = everything(open_part("Holdout"))
    with filled.store() as store:
        numbers = store.forecasts.rounds()
    evaluation = measured(filled, numbers, numbers[-1]).evaluation
    assert evaluation.n == HELD - 4
    assert list(classes_frame(evaluation))[:5] == ["class", "items", "precision", "recall", "F1"]  # a phone shows them
    assert f"Accuracy {evaluation.accuracy.value:.1%}" in text
    assert f"95%: {100 * evaluation.accuracy.low:.1f} – {evaluation.accuracy.high:.1%}" in text
    assert "Balanced accuracy" in text
    assert "4 are still to be labeled" in text
    wide = 100 * (evaluation.accuracy.high - evaluation.accuracy.low)
    assert f"The accuracy's interval is {wide:.1f} points wide." in text
    assert "The 4 holdout items that are still to be labeled narrow it to about" in text  # to halve it takes more
    assert evaluation.to_halve > 4
    assert "which may be chance" in text
    assert "A click on a cell shows its items." in text
    assert "Expected calibration error" in text


def test_a_cell_holds_its_items_strangest_first(filled):
    with filled.store() as store:
        numbers = store.forecasts.rounds()
    forecast = measured(filled, numbers, numbers[-1]).forecast
    wrong = judged(forecast, filled.config, "good", "bad")
    assert len(wrong) > 0
    assert {(case.label, case.predicted) for case in wrong} == {("good", "bad")}
    assert [case.confidence for case in wrong] == sorted((case.confidence for case in wrong), reverse=True)
    right = judged(forecast, filled.config, "good", "good")
    assert [case.confidence for case in right] == sorted(case.confidence for case in right)
    assert len(wrong) + len(right) == sum(forecast.targets == 0)
    assert judged(forecast, filled.config, "good", "gone") == []


@pytest.mark.slow
def test_an_earlier_round_can_be_chosen(filled):
    app = open_part("Holdout")
    app.selectbox(key="measured-reviews").set_value(1).run()
    assert not app.exception
    with filled.store() as store:
        evaluation = measured(filled, store.forecasts.rounds(), 1).evaluation
    assert f"Accuracy {evaluation.accuracy.value:.1%}" in everything(app)


def test_two_rounds_that_say_the_same_cannot_be_told_apart(filled):
    with filled.store() as store:
        latest = store.forecasts.get(2, "holdout")
        finish(store, latest.proba, latest.items, labels=30)
    assert "difference from round 2 is +0.0 points" in everything(open_part("Holdout"))


@pytest.mark.slow
def test_before_there_is_something_to_measure_the_page_says_so(project, store):
    assert "The holdout is measured once a round has trained a model." in everything(open_part("Holdout"))
    store.items.add([NewItem("a", "row 1", text="t", split="holdout"), NewItem("b", "row 2", text="u", split="pool")])
    rank(store, [2])
    assert "once a round has trained" in everything(open_part("Holdout"))
    finish(store, np.array([[0.5, 0.5]], dtype=np.float32), np.array([1]))
    assert "The holdout has no labels yet" in everything(open_part("Holdout"))


def test_a_project_without_a_holdout_says_so_in_every_part_and_links_to_the_import(project, store):
    store.items.add(
        [NewItem(f"{i:032x}", f"r{i}", text="t", split="pool", metadata={"site": "AB"[i % 2]}) for i in range(60)]
    )
    rank(store, [2])
    finish(store, np.array([[0.5, 0.5]], dtype=np.float32), np.array([1]))
    for part in ("Curve", "Holdout", "Against random", "Slices"):
        app = open_part(part)
        assert everything(app).count("The project has no holdout, so nothing can be measured.") == 2, part
    assert "Import" in [link.proto.label for link in app.get("page_link")]


@pytest.mark.slow
def test_with_active_testing_the_weights_are_told(filled):
    filled.save(replace(filled.config, evaluation=EvaluationConfig(active_testing=True)))
    with filled.store() as store:
        store.active_testing.add(1, [3, 8, 2, 5, 9, 40], [0.1, 0.05, 0.02, 0.03, 0.01, 0.02], left=HELD)
    text = everything(open_part("Holdout"))
    assert "Labeled holdout items 5" in text  # item 40 has no label
    assert "Active testing chose these items" in text
    assert "no slice is marked as weak" in everything(open_part("Slices"))


def test_an_item_that_cannot_be_labeled_is_not_waited_for(filled):
    with filled.store() as store:
        store.answers.add("kim", [Answer("f", HELD, "flag", note="torn")])
    assert "3 are still to be labeled" in everything(open_part("Holdout"))


def test_several_classes_are_questions_of_their_own(own_home):
    project = projects.create(own_home / "letters", topics_config())
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout", label=join(names, project.config))
                for i, (text, names) in enumerate(letters(24))
            ]
            + [NewItem("f" * 32, "row", text="another", split="pool")]
        )
        truth = np.array([[name in names for name in project.config.classes] for _text, names in letters(24)])
        proba = np.where(truth, 0.8, 0.3)
        proba[0] = 1 - proba[0]
        finish(store, proba.astype(np.float32), np.arange(1, 25))
    app = open_part("Holdout")
    text = everything(app)
    assert f"Subset accuracy {23 / 24:.1%}" in text
    assert "Micro F1" in text
    assert "Balanced accuracy" not in text
    assert "Confusion matrix" not in [h.value for h in app.subheader]
    (table,) = app.dataframe
    assert table.value["items"].tolist() == truth.sum(axis=0).tolist()
    assert "ROC" in text


@pytest.mark.slow
def test_weak_slices_are_named_and_more_of_them_asked(filled):
    app = open_part("Slices")
    text = everything(app)
    assert "Weaker than the rest, beyond what chance explains: B." in text
    assert widget(app, "selectbox", "Column").options == ["site"]  # nearly every item has an id of its own
    app.multiselect(key="more-of-reviews-site").set_value(["site=B"])
    widget(app, "slider", "Share of such items").set_value(80)
    widget(app, "button", "Save from the next round on").click().run()
    assert "more items with site=B are queried" in everything(app)
    query = projects.open_project(filled.folder).config.query
    assert (query.more_of, query.more_share) == (("site=B",), 0.8)
    app.run()
    assert app.multiselect(key="more-of-reviews-site").value == ["site=B"]
    app.multiselect(key="more-of-reviews-site").set_value([])
    widget(app, "button", "Save from the next round on").click().run()
    assert projects.open_project(filled.folder).config.query.more_of == ()


def test_slices_that_differ_by_chance_alone_are_not_called_weak(filled):
    right = np.array([i % 4 < 2 for i in range(HELD)])
    with filled.store() as store:
        finish(store, np.stack([right, ~right], axis=1).astype(np.float32), np.arange(1, HELD + 1))
    text = everything(open_part("Slices"))
    assert "No slice can be told apart from the rest" in text
    assert "weakest" not in text.lower()


def test_slices_count_the_pool_and_its_labels(filled):
    with filled.store() as store:
        store.answers.add("kim", [Answer(f"r{i}", i, "label", "good") for i in (HELD + 1, HELD + 3, HELD + 2)])
    (table,) = open_part("Slices").dataframe
    rows = table.value.set_index("value")
    assert rows.loc["A", ["items in the pool", "pool labels", "share labeled"]].tolist() == [30, 2, "7%"]
    assert rows.loc["B", ["items in the pool", "pool labels"]].tolist() == [30, 1]
    assert rows["labeled holdout items"].sum() == HELD - 4
    settings = filled.folder / "project.toml"
    settings.write_text(settings.read_text().replace('"good"', '"positive"'))
    (table,) = open_part("Slices").dataframe  # a part of the holdout is no figure, and its items are not 0, either
    assert [*table.value] == ["value", "items in the pool", "pool labels", "share labeled"]


def test_without_columns_there_is_nothing_to_slice_by(project, store):
    store.items.add([NewItem("a", "row 1", text="t", split="pool")])
    assert "There are no slices" in everything(open_part("Slices"))


def test_items_of_groups_are_said_to_be_so_and_have_wider_intervals(filled):
    before = measured(filled, [1, 2], 2)
    config = replace(filled.config, evaluation=EvaluationConfig(group_column="patient"))
    grouped = filled.save(config)
    with grouped.store() as store:
        store.db.execute("UPDATE items SET of_group = 'p' || (id % 12)")
        store.db.connection.commit()
        store.rounds.update_metrics(remeasured(store))
    after = measured(grouped, [1, 2], 2)
    assert after.evaluation.groups == 12
    assert after.evaluation.accuracy.value == before.evaluation.accuracy.value
    assert after.evaluation.accuracy.width > before.evaluation.accuracy.width
    shown = everything(visit("progress", "Holdout"))
    assert "of 12 groups)" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert "The items are of 12 groups, so the intervals are between groups" in shown
    assert "12 groups have items in the pool and in the holdout" in shown


def curves_of_a_thinned_round() -> None:
    import numpy as np

    from labeler.measure.forecasts import LabeledForecast
    from pages.progress.confidence import one_class
    from tests.support.samples import text_config

    proba = np.tile([0.6, 0.2, 0.2], (4, 1))
    thinned = LabeledForecast(np.arange(4), proba, np.arange(4) % 3, complete=False)
    one_class(thinned, text_config(classes=("good", "bad", "mixed")))


def test_curves_that_need_all_probabilities_are_not_drawn_of_a_thinned_round():
    app = AppTest.from_function(curves_of_a_thinned_round).run()
    assert not app.exception
    assert [caption.value for caption in app.caption] == [
        "Of this older round only the predictions and their confidence are kept: choose a later round."
    ]
    assert not app.selectbox
