"""The Team page: what each did, as far as the reader may see it; when there will be enough; the form for leads."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import streamlit as st

from labeler.core.settings import TeamConfig
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import everything, visit, widget


@pytest.fixture
def history(store):
    """On each of the last nine days kim labels four items in 10 s each, lee two of them in 20 s, park skips another."""
    add(store, 100)
    rows, place = [], 0
    for back in range(9, 0, -1):
        day = datetime.now(UTC).replace(hour=9) - timedelta(days=back)
        items = range(10 * (9 - back) + 1, 10 * (9 - back) + 5)
        for who, n, seconds in (("kim", 4, 10.0), ("lee", 2, 20.0), ("park", 1, 30.0)):
            for item in items[:n] if who != "park" else [items[-1] + 1]:
                place += 1
                action = "skip" if who == "park" else "label"
                label = None if who == "park" else "bad" if who == "lee" and item % 2 else "good"
                rows.append((f"r{place}", item, who, action, label, seconds, day.isoformat(timespec="milliseconds")))
    with store.write():
        store.db.executemany(
            "INSERT INTO annotations (request_id, item_id, annotator, action, label, today, seconds, at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7)",
            rows,
        )
    for name in ("kim", "lee", "park"):
        store.team.join(name)


def as_team(project, **settings: Any) -> None:
    project.save(replace(project.config, budget=100, team=TeamConfig(**settings)))


def page(name: str):
    app = visit()
    widget(app, "text_input", "Working as").set_value(name).run()
    app.switch_page("team/page.py").run()
    assert not app.exception, app.exception
    return app


def table(app, place: int = 0) -> pd.DataFrame:
    return app.dataframe[place].value


def test_a_lead_sees_what_was_refused_and_stores_or_discards_it(project, store):
    add(store, 3)
    store.refused.record("kim", "r1", 1, {"action": "label", "label": "good", "note": "**late**"}, "not given to you")
    store.refused.record("lee", "r2", None, {"action": "label", "label": ["good"]}, "no item")
    app = page("kim")
    shown = everything(app)
    assert "**2 answers were not stored**" in shown
    assert "Item 1: **good**, kim" in shown
    assert "Reply to kim: not given to you" in shown
    assert "\\*\\*late" in shown
    assert [button.label for button in app.button].count("Store it") == 1
    widget(app, "button", "Store it").click().run()
    assert "The answer is stored." in everything(app)
    assert store.answers.get("kim", 1)["label"] == "good"
    widget(app, "button", "Discard").click().run()
    assert "not stored" not in everything(app)
    assert store.refused.all() == []


def test_without_answers_the_page_says_so(project, store):
    app = page("kim")
    assert "Nobody has answered yet." in everything(app)
    assert not app.tabs


@pytest.mark.slow
def test_everybody_leads_by_default_and_sees_all(project, history):
    as_team(project)
    app = page("kim")
    shown = table(app).set_index("annotator")
    assert list(shown.index) == ["all", "kim", "lee", "park"]
    assert shown["labels"].tolist() == [54, 36, 18, 0]
    assert shown["skips"].tolist() == [9, 0, 0, 9]
    assert shown.loc["kim", "hours"] == pytest.approx(0.1)
    # of the two items a day that lee labeled too
    assert str(shown.loc["kim", "agreement"]).startswith("50% (")
    assert str(shown.loc["kim", "agreement"]).endswith(", n = 18)")
    assert len(table(app, 1)) == 27
    text = everything(app)
    assert "Answers 54" in text
    assert "of 100 to the goal" in text
    assert "6 a day of the calendar (6 – 6), from 9 working days in 9 calendar days" in text


def test_the_sign_of_a_currency_is_bare_where_no_markdown_is_shown(project, history):
    as_team(project, rate=60.0)
    app = page("kim")
    assert "Cost ($)" in app.dataframe[0].proto.columns
    charts = " ".join(chart.proto.spec for chart in app.get("vega_lite_chart"))
    assert "cost ($)" in charts


@pytest.mark.slow
def test_the_date_is_that_of_the_pace(project, history):
    as_team(project)
    app = page("kim")
    expected = datetime.now(UTC).date() + timedelta(days=8)  # 46 missing, six a day
    assert f"Done on {expected}" in everything(app)
    widget(app, "button_group", "Goal").set_value("number").run()
    widget(app, "number_input", "Answers").set_value(54).run()
    assert "The goal is reached." in everything(app)


@pytest.mark.slow
def test_a_target_that_the_curve_does_not_tell_is_said(project, history):
    as_team(project)
    app = page("kim")
    widget(app, "button_group", "Goal").set_value("target").run()
    assert not app.exception
    assert "It takes three measured rounds" in everything(app)


def test_annotators_see_their_own_row_only(project, history):
    as_team(project, leads=("kim",), rate=60.0)
    app = page("lee")
    assert table(app)["annotator"].tolist() == ["lee"]
    assert set(table(app, 1)["annotator"]) == {"lee"}
    text = everything(app)
    assert "You see your own row" in text
    assert "Cost" not in text
    assert not app.metric
    assert not app.get("form")
    for name in ("kim", "park"):
        assert name not in str(app.main)


def test_who_has_not_answered_sees_nobody(project, history):
    as_team(project, leads=("kim",))
    app = page("newcomer")
    assert "You have not answered" in everything(app)
    assert not app.dataframe


@pytest.mark.slow
def test_what_a_project_hides_is_in_no_table(project, history):
    as_team(project, show=("items",))
    app = page("kim")
    for place in (0, 1):
        assert not {"median_seconds", "hours", "cost", "agreement", "skips"} & set(table(app, place))
    assert "does not show about people: how fast, hours and cost, agreement with others, skips" in everything(app)


@pytest.mark.slow
def test_a_period_is_chosen(project, history):
    as_team(project)
    app = page("kim")
    widget(app, "button_group", "Period").set_value(7).run()
    assert not app.exception
    assert table(app)["labels"].tolist() == [36, 24, 12, 0]  # today and six days before


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rows"), [("kim", ["kim", "lee", "park"]), ("lee", ["lee"])])
def test_files_hold_no_more_than_the_tables(project, history, monkeypatch, name, rows):
    files = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, file, *_, **__: files.update({file: data}))
    as_team(project, leads=("kim",), show=("items", "agreement"))
    page(name)
    for data in files.values():
        columns = pd.read_csv(io.BytesIO(data))
        assert sorted(set(columns["annotator"])) == rows
        assert not {"median_seconds", "hours", "cost", "skips"} & set(columns)
    assert len(files) == 2


# ---------------------------------------------------------------- the form


def press_save(app):
    next(b for b in app.button if b.label == "Save" and b.form_id == "terms").click().run()
    assert not app.exception, app.exception


def saved(project) -> TeamConfig:
    return projects.open_project(project.folder).config.team


@pytest.mark.slow
def test_leads_set_rates_and_what_is_shown(project, history):
    as_team(project)
    app = page("kim")
    widget(app, "number_input", "Cost of an hour").set_value(50.0)
    widget(app, "text_input", "Currency").set_value("KRW")
    widget(app, "multiselect", "What is shown").set_value(["items", "speed"])
    widget(app, "multiselect", "Who leads").set_value(["kim"])
    press_save(app)
    assert saved(project) == TeamConfig(("kim",), ("items", "speed"), 50.0, "KRW", 300)
    assert "Saved." in everything(app)
    assert "Cost ₩14" in everything(app)  # 360 + 360 + 270 seconds are 13.75; a won has no decimals


@pytest.mark.slow
def test_nobody_locks_themselves_out_unawares(project, history):
    as_team(project)
    app = page("kim")
    widget(app, "multiselect", "Who leads").set_value(["lee"])
    press_save(app)
    assert "You, kim, are not among the leads" in everything(app)
    assert saved(project).leads == ()
    widget(app, "checkbox", "Save anyway").check()
    press_save(app)
    assert saved(project).leads == ("lee",)
    assert table(app)["annotator"].tolist() == ["kim"]
