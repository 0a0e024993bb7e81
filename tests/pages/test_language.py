"""Every page in Korean: what is shown is Korean, whoever made it, and switching is remembered."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from bench.lead.project import make
from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.core.jobs import ComparisonRequest, TuningRequest
from labeler.core.rounds import Epoch, FinishedRound, Metrics, RoundResult, Training
from labeler.i18n.messages import DEFAULT, catalogue, mark, use
from labeler.jobs.comparisons import compare_once
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.machine import ROOT
from tests.support.pages import everything, visit, widget
from tests.support.samples import reviews, text_config
from tests.support.vega import titles
from tests.support.warm_processes import simulate_in_this_process

# Three words of Latin letters in a row: a sentence, and no name.
SENTENCE = re.compile(r"[A-Za-z]{2,}(?:[ ,;:]+[A-Za-z]{2,}){2,}")
CODE = re.compile(r"`[^`]*`|https?://\S+")
NOT_TEXT = {"id", "key", "form_id", "element_id", "icon", "spec", "url", "data", "columns", "css", "js", "script_hash"}


def korean(page: str, part: str = "") -> AppTest:
    use("ko")  # the test runner itself asks how options are shown
    app = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=60)
    app.query_params["language"], app.query_params["annotator"] = "ko", "김지수"
    app.run()
    if part:
        app.session_state["part"] = part
    if page != "label":
        app.switch_page(f"{page}/page.py").run()
    assert not app.exception, app.exception
    return app


def texts(message) -> Iterator[str]:
    """All strings in what is sent to the browser, but for names of the program's own."""
    for field, value in message.ListFields():
        if field.name in NOT_TEXT:
            continue
        for part in value if field.is_repeated else [value]:
            if isinstance(part, str):
                yield part
            elif hasattr(part, "ListFields"):
                yield from texts(part)


def shown(app: AppTest) -> Iterator[str]:
    for block in (app.main, app.sidebar):
        for node in block:
            proto = getattr(node, "proto", None)
            if proto and not proto.DESCRIPTOR.name.startswith("Bidi"):  # the desk, whose script has its own test
                yield from texts(proto)
    for chart in app.get("vega_lite_chart"):
        yield from titles(json.loads(chart.proto.spec))
    for table in app.dataframe:
        yield from map(str, table.value.columns)


def english(app: AppTest) -> list[str]:
    """What is shown in sentences of Latin letters; sources are works' titles, and styles are no text."""
    prose = (CODE.sub("", text) for text in shown(app) if not text.startswith(("<style", "<script", "출처: ")))
    return [text for text in prose if SENTENCE.search(text.partition("출처: ")[0])]


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    """A home whose project has labels, a trained round, a failed one, a comparison, a search, and one that runs.

    The tests of this module only read it.
    """
    use(DEFAULT)  # as every test begins; this fixture is older than that
    home = tmp_path_factory.mktemp("full")
    project = projects.create(home / "reviews", text_config())
    loss = [(1.2, 0.60, 0.9, 0.70), (0.8, 0.80, 0.5, 0.82), (0.6, 0.90, 0.7, 0.80), (0.4, 0.95, 0.9, 0.79)]
    epochs = tuple(Epoch(number, *row) for number, row in enumerate([*loss, (0.3, 0.99, 1.1, 0.78)], 1))
    note = mark("Linear heads: fine-tuning begins at {n} labels; there are {labels}.", n=100, labels=40)
    training = Training(epochs, {"epochs": 5, "augment": []}, 0.6, note, 200)
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text=text, split="holdout" if i % 5 == 0 else "pool", label=label)
                for i, (text, label) in enumerate(reviews(300))
            ]
        )
        add(store, 9)
        store.answers.add("kim", [Answer("1", 301, "label", "good")])
        store.rounds.request("test")
        result = RoundResult(40, "margin", 1, Metrics(50, 0.95, 0.91, 0.99, 0.8), (), 0.1, 0.2, training)
        store.rounds.finish(store.rounds.claim(), FinishedRound(1, result, model="models/m.safetensors"))
        store.rounds.request("test")
        store.rounds.fail(store.rounds.claim(), "There are no items yet: import images or texts first.")
        store.comparisons.request(ComparisonRequest(("margin",), 2, 2, 5, 6), "kim")
    with pytest.MonkeyPatch.context() as patched:
        simulate_in_this_process(patched)
        compare_once(project)
    trial = {"number": 0, "name": "current settings", "note": "its probabilities are not finite.", "backbone": "auto"}
    trial |= {"levers": {"unfrozen": 4}, "log_likelihood": -0.5, "accuracy": 0.8, "low": 0.7, "high": 0.9, "items": 9}
    report = {"labels": 120, "folds": 3, "trials": [trial | {"seconds": 3.0, "share": 0.0, "state": "complete"}]}
    report |= {"learner": project.config.as_dict()["learner"], "proposal": {"finetune": {"unfrozen": 4}}}
    with project.store() as store:
        number = store.tunings.request(TuningRequest(), "kim")
        store.tunings.claim()
        verdict = "No better settings were found: none of {n} others did better than the current ones."
        report["verdict"] = mark(verdict, n=3)
        store.tunings.finish(number, report)
        error = LabelerError(
            "There is no augmentation {name!r}: choose from {augmentations}.", name="x", augmentations="y"
        )
        store.tunings.fail(store.tunings.request(TuningRequest(), "kim"), error)
        waiting = store.tunings.request(TuningRequest(), "kim")
        store.tunings.claim()
        what, done = mark("setting {n}", n=3), mark("{n} settings tried", n=2)
        standing = mark("{done}; trying {what}", done=done, what=what)
        message = mark("{standing}, fold {fold} of {folds}", standing=standing, fold=1, folds=3)
        store.tunings.report(waiting, message, 60, 600)
    return home


@pytest.mark.slow
@pytest.mark.parametrize("page", ["label", "progress", "strategy", "project"])
def test_nothing_on_a_full_page_is_english(full, monkeypatch, page):
    monkeypatch.setenv("LABELER_HOME", str(full))
    app = korean(page)
    assert english(app) == []
    assert re.search("[가-힣]{2}", " ".join(shown(app)))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A home with a project of images that some people have labeled for six rounds."""
    home = tmp_path_factory.mktemp("lived")
    make(home / "digits", 6, modality="image")
    return home


PARTS = ["Curve", "Holdout", "Against random", "When to stop", "Agreement", "Slices", "Rounds", "Report"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "part"), [*(("progress", part) for part in PARTS), ("items", ""), ("review", ""), ("team", "")], ids=str
)
def test_nothing_that_leads_see_of_a_project_is_english(lived, monkeypatch, page, part):
    monkeypatch.setenv("LABELER_HOME", str(lived))
    name = catalogue("ko")[part] if part else ""
    app = korean(page, name)
    assert english(app) == []
    if part:
        assert name in [tab.label for tab in app.tabs]


@pytest.mark.parametrize("page", ["label", "items", "progress", "review", "team", "strategy", "project"])
def test_nothing_on_an_empty_page_is_english(own_home, page):
    assert english(korean(page)) == []


@pytest.mark.slow
def test_what_the_worker_wrote_is_translated_where_it_is_shown(full, monkeypatch):
    monkeypatch.setenv("LABELER_HOME", str(full))
    rounds = everything(korean("progress", catalogue("ko")["Rounds"]))
    assert "선형 헤드: 미세 조정은 라벨 100개부터 시작하며, 지금은 40개입니다." in rounds
    assert "마지막 라운드에 실패했습니다: 아직 항목이 없습니다." in rounds
    app = korean("project")
    (bar,) = [bar.proto.text for bar in app.get("progress")]
    assert bar.startswith("9분 남음: 설정 2개 시도함")
    assert "다른 설정 3개 중 현재 설정보다 나은 것이 없었습니다." in everything(app)
    assert "모델의 확률에 유한하지 않은 값이 있습니다." in list(app.dataframe[-1].value["note"])


def test_errors_are_translated(own_home):
    app = korean("project")
    widget(app, "text_input", "이름").input("x")
    widget(app, "text_area", "클래스").input("only one")
    widget(app, "button", "프로젝트 만들기").click().run()
    assert "이름이 두 개 이상 필요합니다" in app.error[0].value


@pytest.mark.slow
def test_the_language_is_switched_in_the_sidebar_and_kept_from_page_to_page(project):
    app = visit("progress")
    (languages,) = [group for group in app.button_group if group.key == "switched"]
    assert languages.options == ["English", "한국어"]
    assert "Pool labels 0" in everything(app)
    languages.set_value("ko").run()
    assert "풀 라벨 0" in everything(app)
    use("ko")
    assert app.query_params["language"] in ("ko", ["ko"])
    app.switch_page("project/page.py").run()
    assert widget(app, "button", "지금 다시 학습")
    (languages,) = [group for group in app.button_group if group.key == "switched"]
    languages.set_value("en").run()
    assert widget(app, "button", "Retrain now")


def test_what_a_press_has_done_is_said_in_the_reader_s_language(project):
    """A press is answered before the page is drawn, which sets the language."""
    with project.store() as store:
        add(store, 2)
    app = korean("items")
    widget(app, "button", "우선 라벨링하기").click().run()
    assert [toast.value for toast in app.toast] == ["항목 2개를 우선 라벨링합니다."]


@pytest.mark.slow
def test_what_a_project_is_saved_with_does_not_depend_on_the_language(project):
    app = korean("project")
    widget(app, "selectbox", "질의 전략").set_value("entropy")
    widget(app, "multiselect", "변형").set_value(["distinct"])
    widget(app, "button", "다음 라운드부터").click().run()
    text = (project.folder / "project.toml").read_text()
    assert 'strategy = "distinct(entropy)"' in text
    assert not re.search("[가-힣]", text)


def test_no_table_shows_none_where_a_cell_is_empty():
    """Streamlit writes the English word "None" there unless a table says what else to write."""
    tables = [
        (path.name, call)
        for path in (ROOT / "pages").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "dataframe"
    ]
    assert len(tables) > 4  # the others are drawn by `show_table`
    assert [name for name, call in tables if "placeholder" not in {keyword.arg for keyword in call.keywords}] == []


def test_empty_choices_say_so_in_the_reader_s_language():
    """Streamlit's own words for an empty box of several choices are English."""
    boxes = [
        (path.name, node)
        for path in sorted((ROOT / "pages").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "multiselect"
    ]
    assert len(boxes) > 5
    assert [name for name, call in boxes if "placeholder" not in {keyword.arg for keyword in call.keywords}] == []
