"""The report: it stands alone, says what was measured, names nobody, and is the same as JSON."""

import json
import re
from html.parser import HTMLParser

import pytest

from bench.lead.project import make
from labeler.core.errors import LabelerError
from labeler.core.items import Answer
from labeler.i18n.messages import DEFAULT, use
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.report.facts import CARD, report
from labeler.report.page import _ranges, page
from labeler.report.write import write
from tests.support.fill import add


@pytest.fixture(scope="module")
def lived(tmp_path_factory) -> Project:
    """Six rounds of letters, labeled by several people, with a card of the data."""
    project = make(tmp_path_factory.mktemp("report") / "letters", 6)
    (project.folder / CARD).write_text("From <b>clinic</b> 7, <script>alert(1)</script> CC BY 4.0", encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def html(lived) -> str:
    """The page of that project, which takes seconds to draw."""
    use(DEFAULT)
    return page(lived)


class Words(HTMLParser):
    """What a person reads on a page, and what the page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.fetched: list[str] = []
        self.hidden = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes) -> None:
        self.hidden += tag in ("style", "script")
        self.fetched += [v for name, v in attributes if name in ("src", "href", "xlink:href") and v and v[0] != "#"]

    def handle_endtag(self, tag) -> None:
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data) -> None:
        if not self.hidden:
            self.words.append(data)


def test_the_page_stands_alone_and_says_what_was_measured(lived, html):
    facts, words = report(lived), Words(html)
    assert words.fetched == []
    assert "<script" not in html
    assert html.count("<svg") >= 3  # the curve, the confusion matrix, the calibration
    shown = " ".join(words.words)
    latest = facts["rounds"][-1]
    assert f"{latest['accuracy']:.1%}" in shown
    assert f"{latest['low']:.1%} – {latest['high']:.1%}" in shown
    assert facts["data"]["hash"] in shown
    assert "stop_when = []" in shown


def test_the_report_is_plain_values_of_this_moment(lived):
    facts = report(lived)
    text = json.dumps(facts)
    assert json.dumps(json.loads(text)) == text
    assert [row["round"] for row in facts["rounds"]] == [1, 2, 3, 4, 5, 6]
    assert facts["holdout"]["accuracy"]["value"] == pytest.approx(facts["rounds"][-1]["accuracy"])
    assert {rule["rule"] for rule in facts["stopping"]} == {
        *("target", "budget", "stable", "confident", "gain", "exhausted")
    }
    with lived.store() as store:
        counts, spent = store.items.counts(), store.items.labels_spent()
    pool = next(row for row in facts["data"]["splits"] if row["split"] == "pool")
    assert (pool["items"], pool["labeled"]) == (counts.pool, counts.labeled)
    assert facts["data"]["answers"]["labels"] == spent


def test_the_hash_is_that_of_the_labels(lived):
    before = report(lived)["data"]["hash"]
    assert re.fullmatch("[0-9a-f]{64}", before)
    assert report(lived)["data"]["hash"] == before
    with lived.store() as store:
        item, label = next(iter(store.items.labels().items()))
        other = next(name for name in lived.config.classes if name != label)
        store.decisions.add("lead", "r1", item, "label", other)
        assert report(lived)["data"]["hash"] != before
        assert report(lived)["data"]["decisions_by_leads"] == 1
        store.decisions.undo("lead")
    assert report(lived)["data"]["hash"] == before


def test_a_labeled_item_that_was_erased_is_not_in_the_hash(project):
    with project.store() as store:
        add(store, 2)
        store.answers.add("kim", [Answer("1", 1, "label", "good"), Answer("2", 2, "label", "bad")])
        whole = report(project)["data"]["hash"]
        store.erasure.items([1])
    assert report(project)["data"]["hash"] != whole


def test_nobody_who_labels_is_named(lived, html):
    with lived.store() as store:
        names = [annotator.name for annotator in store.team.all()]
    assert len(names) > 0
    for text in (html, json.dumps(report(lived), ensure_ascii=False)):
        assert [name for name in names if name in text] == []


def test_the_data_card_is_escaped_in_the_page(html):
    assert "From &lt;b&gt;clinic&lt;/b&gt; 7, &lt;script&gt;" in html
    assert "<script" not in html


@pytest.mark.slow
def test_the_report_is_written_whole_as_a_page_or_as_json(lived, html, tmp_path, monkeypatch):
    monkeypatch.setattr("labeler.report.write.page", lambda project: html)
    write(lived, tmp_path / "report.html")
    write(lived, tmp_path / "report.json")
    assert html.startswith("<!doctype html>")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["project"]["name"] == lived.config.name
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(LabelerError, match="cannot be written"):
        write(lived, tmp_path / "nowhere" / "report.html")


def test_an_empty_project_says_what_is_missing(project):
    html = page(project)
    assert "No round has been measured on the holdout yet." in html
    with project.store() as store:
        add(store, 3)
    assert report(projects.open_project(project.folder))["holdout"] is None


@pytest.mark.slow
def test_the_report_is_in_the_readers_language(lived):
    use("ko")
    html = page(lived)
    assert '<html lang="ko">' in html
    headings = re.findall("<h[23]>(.*?)</h[23]>", html)
    assert [h for h in headings if not re.search("[가-힣]", h) and h != "project.toml"] == []


@pytest.mark.parametrize(("numbers", "shortened"), [([], "–"), ([1], "1"), ([1, 2, 3, 7], "1–3, 7"), ([5, 4], "5, 4")])
def test_runs_of_numbers_are_shortened(numbers, shortened):
    assert _ranges(numbers) == shortened
