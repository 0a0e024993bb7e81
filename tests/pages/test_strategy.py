"""The Strategies page through Streamlit's own test runner."""

import re
import shutil
from dataclasses import replace

import pandas as pd
import pytest

import strategies
from labeler.core.jobs import ComparisonRequest
from labeler.jobs.comparisons import compare_once
from labeler.projects import project as projects
from labeler.report.sentences.comparison import saved_in_short, verdict
from tests.support.fill import add
from tests.support.pages import everything, visit, widget
from tests.support.samples import reviews, text_config
from tests.support.warm_processes import simulate_in_this_process

GOOD = "from strategies.base import scores\n@scores(needs='proba')\ndef mine(c, rng):\n    return c.proba[:, 0]\n"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "films.csv"
    pd.DataFrame(reviews(160), columns=["text", "label"]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def compared_folder(tmp_path_factory, table):
    """The folder of a project that has compared margin with its control."""
    project = projects.create(tmp_path_factory.mktemp("compared") / "reviews", text_config())
    with project.store() as store:
        store.comparisons.request(ComparisonRequest(("margin",), 2, 2, 5, 6, str(table)), "kim")
    with pytest.MonkeyPatch.context() as patched:
        simulate_in_this_process(patched)
        compare_once(project)
    return project.folder


@pytest.fixture
def compared(compared_folder, own_home):
    """A project of the test's own with a finished comparison, which has the number 1."""
    return projects.open_project(shutil.copytree(compared_folder, own_home / "reviews"))


def test_each_strategy_of_a_family_is_shown_with_its_sentence_picture_and_source(project):
    app = visit("strategy")
    (families,) = [g for g in app.button_group if g.label == "Family"]
    assert set(families.options) == {s.family for s in strategies.registered().values()}
    assert families.options[0] == "uncertainty sampling"  # of the strategy in use
    shown = everything(app)
    for name in ("margin", "entropy", "least_confidence"):
        assert f"**{name}**" in shown
        assert strategies.get(name).summary in shown
        assert strategies.get(name).source in shown
    assert "Needs the model's probabilities." in shown
    assert len(app.get("image")) == 3
    assert [b.label for b in app.button if b.key and b.key.startswith("use-")].count("In use") == 1


@pytest.mark.parametrize(("candidates", "is_told"), [(100, True), (100_000, False)])
def test_a_sentence_says_when_a_strategy_sees_a_part_of_the_pool(project, store, candidates, is_told):
    project.save(replace(project.config, query=replace(project.config.query, candidates=candidates)), store)
    add(store, 120)
    assert ("25% of each batch" in everything(visit("strategy"))) == is_told


def test_use_from_the_next_round_is_saved(project):
    app = visit("strategy")
    app.button(key="use-entropy").click().run()
    assert projects.open_project(project.folder).config.query.strategy == "entropy"
    assert "entropy is the query strategy from the next round on" in everything(app)
    assert app.button(key="use-entropy").disabled


def test_a_strategy_of_the_projects_own_breaks_is_reported_and_works_again(project):
    project.strategies.mkdir()
    own = project.strategies / "mine.py"
    own.write_text(GOOD)
    app = visit("strategy")
    (families,) = [g for g in app.button_group if g.label == "Family"]
    families.set_value("custom").run()
    assert "**mine**" in everything(app)
    own.write_text(GOOD.replace("return", "retrun"))
    app.run()
    assert "Strategy file mine.py: line 4: SyntaxError" in everything(app)
    assert "**mine**" not in everything(app)
    own.write_text(GOOD.replace("proba[", "probability["))
    app.run()
    (families,) = [g for g in app.button_group if g.label == "Family"]
    families.set_value("custom").run()
    assert "There is no picture: strategy 'mine' failed in mine.py, line 4: AttributeError" in everything(app)
    own.write_text(GOOD)
    app.run()
    assert "There is no picture" not in everything(app)
    assert not app.warning


def test_a_strategy_that_loops_hangs_no_page_and_is_told_with_its_line(project, monkeypatch):
    monkeypatch.setattr("labeler.projects.own_strategies.PAGE_SECONDS", 1.0)
    project.strategies.mkdir()
    (project.strategies / "mine.py").write_text(GOOD.replace("    return", "    while True: pass\n    return"))
    (project.strategies / "yours.py").write_text("while True: pass\n")
    app = visit("strategy")
    assert "Strategy file yours.py: Reading it took longer than 1 seconds and was ended." in everything(app)
    (families,) = [g for g in app.button_group if g.label == "Family"]
    families.set_value("custom").run()
    shown = everything(app)
    assert "There is no picture: The strategy mine took longer than 1 seconds and was ended." in shown
    assert "It was at mine.py, line 4." in shown


def test_too_few_labels_of_its_own_are_refused_with_a_sentence(project):
    app = visit("strategy")
    widget(app, "button", "Start comparison").click().run()
    assert "own labels are too few to compare strategies on: 0 of the pool" in app.error[0].value


@pytest.mark.slow
def test_a_comparison_is_asked_for_and_cancelled(project, table):
    app = visit("strategy")
    widget(app, "radio", "Compare on").set_value("A path on the server").run()
    widget(app, "text_input", "Path").input(str(table))
    widget(app, "number_input", "Runs").set_value(2)
    widget(app, "number_input", "Labels to reach").set_value(15)
    widget(app, "button", "Start comparison").click().run()
    assert not app.error
    with project.store() as store:
        (comparison,) = store.comparisons.all()
    assert comparison.request == ComparisonRequest(("margin",), 2, 4, 3, 4, str(table))
    assert "waiting for the worker" in everything(app)
    app.button(key=f"cancel-comparison-{comparison.id}").click().run()
    assert f"Comparison {comparison.id} is cancelled" in everything(app)
    assert "it has no result" in everything(app)
    with project.store() as store:
        assert store.comparisons.all()[0].state == "cancelled"


@pytest.mark.parametrize(
    ("path", "reach", "reason"),
    [("", 20, "No path is given"), ("/no/such.csv", 20, "does not exist on the server"), ("x", 4, "reach for more")],
)
def test_what_is_wrong_with_a_comparison_is_said(project, path, reach, reason):
    app = visit("strategy")
    widget(app, "radio", "Compare on").set_value("A path on the server").run()
    widget(app, "text_input", "Path").input(path)
    widget(app, "number_input", "Labels to reach").set_value(reach)
    widget(app, "button", "Start comparison").click().run()
    assert reason in app.error[0].value


@pytest.mark.slow
def test_a_result_is_shown_and_its_strategies_can_be_used(compared):
    app = visit("strategy")
    shown = everything(app)
    assert "128 pool items, 32 held-out items, 2 classes; 6 to 16 labels, 2 runs" in shown
    assert "the control" in shown
    assert re.search(r"\d points \(\S+ to \S+\)", shown)
    with compared.store() as store:
        report = store.comparisons.report_of(1)
    assert verdict(report) in shown
    assert all(saved_in_short(row) in shown for row in report["summary"])
    assert len(app.get("vega_lite_chart")) == 2
    app.button(key="use-result-1-random").click().run()
    assert projects.open_project(compared.folder).config.query.strategy == "random"


@pytest.mark.slow
def test_why_a_comparison_failed_is_shown_and_earlier_ones_can_be_chosen(compared, table):
    with compared.store() as store:
        store.comparisons.request(ComparisonRequest(("margin",), 1, 1, 5, 6, str(table)), "kim")
        store.comparisons.fail(store.comparisons.claim().id, "no such column")
    app = visit("strategy")
    choice = widget(app, "selectbox", "Result of comparison")
    assert [o.endswith("failed") for o in choice.options] == [True, False]
    assert "the control" in everything(app)  # the latest that has a result
    choice.select_index(0).run()
    assert "The comparison failed: no such column" in everything(app)
