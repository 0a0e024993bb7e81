"""The watch over what people read: all messages are collected, each has a translation, and no text goes without."""

import ast
import functools
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import labeler
import strategies
from labeler.core.errors import LabelerError
from labeler.core.rounds import Epoch, Training
from labeler.i18n import extract, messages
from labeler.i18n.messages import LANGUAGES, _, catalogue, fields_of, use
from labeler.measure.holdout import evaluation
from labeler.progress.curves import Projection
from labeler.report import charts
from labeler.report.charts import comparison as comparison_charts
from labeler.report.charts import control as control_charts
from labeler.report.charts import curve as curve_charts
from labeler.report.charts import holdout as holdout_charts
from labeler.report.sentences import training as reading
from strategies import StrategyError
from tests.support.machine import ROOT
from tests.support.vega import titles

PAGES = [path for path in sorted((ROOT / "pages").rglob("*.py")) if "desk" not in path.parts]
DESK = sorted((ROOT / "pages" / "desk").rglob("*.js"))


# ---------------------------------------------------------------- the catalogues are whole


def test_all_ways_of_marking_a_message_are_collected(tmp_path):
    source = """
def show(n):
    _("a {n}"
      " whole", n=n); n_("one", "many", n); mark("later", x=_("inside")); _(name)
    raise ConfigError("{path} has {known!r} {{}}: {value}", path=path)
    raise SourceError("Two words")
    raise KeyError("key")
other("not said"); f"{x} neither"
"""
    marked = {"a {n} whole", "one", "many", "later", "inside"}
    errors = {"{path} has {known!r} {{}}: {value}", "Two words"}
    (tmp_path / "x.py").write_text(source)
    assert set(extract.messages_of(tmp_path / "x.py", "labeler/x.py")) == {*marked, *errors}
    assert set(extract.messages_of(tmp_path / "x.py", "labeler/cli/x.py")) == marked
    script = 't("a {n}", {n: 3}); t("inside"); other("b"); post("b"); `${t("c")}`; t("d \\"" +\n "e")'
    (tmp_path / "x.js").write_text(script)
    assert set(extract.messages_of(tmp_path / "x.js", "pages/desk/x.js")) == {"a {n}", "inside", "c", 'd "e'}


@pytest.fixture(scope="module")
def all_messages() -> dict[str, set[str]]:
    """All messages with the files that they are used in, read once."""
    return extract.messages()


def test_the_summaries_of_strategies_are_collected(all_messages):
    for strategy in strategies.registered().values():
        assert {strategy.summary, strategy.family} <= all_messages.keys(), strategy.name


def descendants(kind: type) -> set[type]:
    return {kind}.union(*map(descendants, kind.__subclasses__()))


def test_the_messages_of_all_errors_are_collected():
    pytest.importorskip("torch")  # which some rooms need
    for module in pkgutil.walk_packages(labeler.__path__, "labeler."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    names = {kind.__name__ for base in (LabelerError, StrategyError) for kind in descendants(base)}
    command_line = {"BrokenPromise", "Refusal"}  # shown on the command line alone
    assert {name for name in names if not name.startswith("_")} - command_line == set(extract.ERRORS)


@functools.cache
def sources() -> dict[str, ast.Module]:
    """By its path from the root, each file whose messages are collected."""
    paths = (path for folder in extract.FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def test_every_error_has_a_message_that_can_be_translated():
    """A constant text, or several messages that became one; so nothing bypasses the catalogues."""
    errors = [
        (path, node)
        for path, source in sources().items()
        if not path.startswith(extract.COMMAND_LINE[-1])
        for node in ast.walk(source)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in extract.ERRORS
    ]
    assert len(errors) > 100
    for path, node in errors:
        message = node.args[0]
        if not (isinstance(message, ast.Constant) and isinstance(message.value, str)):
            place = f"{path}:{node.lineno}: {ast.unparse(node)}"
            assert ast.unparse(message).startswith(("sentences(", "text.message")), place


def within_f_strings(source: ast.Module) -> list[str]:
    """Calls that hold a message but stand in an f-string, where Babel does not read them on Python 3.11."""
    return [
        ast.unparse(call)
        for f_string in ast.walk(source)
        if isinstance(f_string, ast.JoinedStr)
        for call in ast.walk(f_string)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in extract.MARKS
        if any(isinstance(text, ast.Constant) for text in call.args[:1])
    ]


def test_no_message_stands_in_an_f_string():
    assert {path: calls for path, source in sources().items() if (calls := within_f_strings(source))} == {}


def test_messages_in_f_strings_are_noticed():
    source = """f"{_('Saved.')} {len(mark('a'))} {_(n)}"; _("Saved."); f"{n}" + n_("b", "c", 1)"""
    assert within_f_strings(ast.parse(source)) == ["_('Saved.')", "mark('a')"]


# A closing ** between punctuation and a letter closes nothing (CommonMark 6.2): people would read the asterisks.
OPEN_ASTERISKS = re.compile(r"\*\*[^*]*[^\w\s*]\*\*[^\W_]")


@pytest.mark.parametrize("name", [name for name in LANGUAGES if name != "en"])
def test_no_translation_shows_its_asterisks(name):
    fields = [(re.compile(r"\{[^}]*%\}"), "5%"), (re.compile(r"\{[^}]*\}"), "5")]
    for text in catalogue(name).values():
        filled = text
        for field, value in fields:
            filled = field.sub(value, filled)
        assert not OPEN_ASTERISKS.search(filled), text


def test_a_percentage_has_no_space_before_its_sign():
    spaced = re.compile(r"[\dfdg})] +%%?(?! *[\w(])")
    texts = [
        path.read_text(encoding="utf-8")
        for folder in ("labeler/report", "pages")
        for path in (ROOT / folder).rglob("*.py")
    ]
    texts += [*catalogue("ko"), *catalogue("ko").values()]
    assert [match[0] for text in texts for match in spaced.finditer(text)] == []
    assert spaced.search('"%.1f %%"')
    assert spaced.search("83 (73 – 89) %")


def test_korean_depends_on_no_particle_after_a_field_and_has_one_style():
    """A particle follows the sound before it, which is unknown for a field; the percent sign stands at its number."""
    unnatural = re.compile(r"\(으\)로|이\(가\)|을\(를\)|은\(는\)|와\(과\)|세요\b|(?<=[\d}]) %|[\d}]포인트")
    assert {m: text for m, text in catalogue("ko").items() if unnatural.search(text)} == {}


@pytest.mark.parametrize("name", [name for name in LANGUAGES if name != "en"])
def test_every_message_has_a_translation_with_the_same_fields(name, all_messages):
    translations, wanted = catalogue(name), all_messages
    assert sorted(wanted.keys() - translations.keys()) == [], "run `make words`, and translate what is new"
    assert sorted(translations.keys() - wanted.keys()) == [], "run `make words`: these are not used any more"
    assert {m: translations[m] for m in wanted if fields_of(m) != fields_of(translations[m])} == {}


LONG_AGO = '#: pages/x.py\nmsgid "Long ago"\nmsgstr "옛날"\n\n'  # a message that is not used any more


def test_bringing_a_catalogue_up_to_date_keeps_what_is_translated(all_messages, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(extract, "messages", lambda: all_messages)
    before = (messages.LOCALE / "ko.po").read_text(encoding="utf-8")
    (tmp_path / "ko.po").write_text(before.replace('저장했습니다."', '저장!"') + LONG_AGO, encoding="utf-8")
    extract.write(tmp_path)
    after = (tmp_path / "ko.po").read_text(encoding="utf-8")
    assert 'msgstr "저장!"' in after
    assert "Long ago" not in after
    assert after.startswith("# Korean translations")
    assert " 0 without a translation" in capsys.readouterr().out


# ---------------------------------------------------------------- nothing shown goes without

WRAPPERS = {"_", "n_", "mark", "translate"}
# Calls that show text: of each the first argument is shown, and these keywords.
SHOWING = {
    *("title", "header", "subheader", "caption", "markdown", "write", "text", "info", "success", "warning", "error"),
    *("toast", "button", "form_submit_button", "download_button", "text_input", "text_area", "number_input", "radio"),
    *("selectbox", "multiselect", "checkbox", "pills", "segmented_control", "file_uploader", "expander", "tabs"),
    *("metric", "badge", "TextColumn", "NumberColumn", "popover", "dialog", "link_button", "slider", "toggle"),
}
SHOWN_KEYWORDS = {"label", "help", "placeholder", "text", "title", "alt", "body", "caption", "delta"}
WORD = re.compile(r"[^\W\d_]{2}")
PHRASE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")


def bare(source: str) -> set[str]:
    """Literals that people would read in English whatever their language is."""
    tree, texts = ast.parse(source), set()
    documents = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}

    def literals(node: ast.AST, pattern: re.Pattern[str]) -> None:
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in WRAPPERS or name == "html" or ast.unparse(node.func).startswith("log."):
                return
        if isinstance(node, ast.Raise | ast.Compare) or id(node) in documents:
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.search(node.value):
            texts.add(node.value)
        named = {ast.Dict: "keys", ast.Subscript: "slice"}.get(type(node))  # names within the program
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if field != named and isinstance(child, ast.AST):
                    literals(child, pattern)

    literals(tree, PHRASE)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", "")
        shown = [*node.args[:1]] if name in SHOWING else []
        for argument in [*shown, *(k.value for k in node.keywords if k.arg in SHOWN_KEYWORDS)]:
            literals(argument, WORD)
    return texts


def test_no_text_of_a_page_bypasses_the_catalogues():
    assert len(PAGES) > 30
    for path in PAGES:
        source = path.read_text(encoding="utf-8")
        assert bare(source) - {"retrain now", "class sentences"} == set(), path  # stored as why there is a round
        assert "st.error(str(" not in source, path
        if path.name != "language.py":
            assert not re.search(r"st\.fragment\b", source), path  # its reruns would be English


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('st.title("Strategies")', {"Strategies"}),
        ('st.caption(f"of {n} labels")', {"of ", " labels"}),
        ('columns[0].metric("Labels", 3, help=_("Fine."))', {"Labels"}),
        ('st.button(_("Save"), help="Now")', {"Now"}),
        ('st.tabs([_("One"), "Two"])', {"Two"}),
        ('def hint():\n    return "There is nothing"', {"There is nothing"}),
        ('alt.X("labels:Q", title="labels")', {"labels"}),
        ('def f():\n    """A docstring stays."""\n    st.title(_("Yes, it does"))', set()),
        ('st.button(_("Save"), key="save", icon=":material/check:")', set()),
        ('st.markdown(f"**{name}**")', set()),
        ('raise LabelerError("Errors are collected")', set()),
    ],
)
def test_texts_are_distinguished_from_names(source, texts):
    assert bare(source) == texts


REPORT_ROOM = ROOT / "labeler" / "report"
SPEAKING = [
    "page.py",
    *(
        f"{folder}/{path.name}"
        for folder in ("charts", "sentences")
        for path in sorted((REPORT_ROOM / folder).glob("*.py"))
    ),
]


@pytest.mark.parametrize("name", SPEAKING)
def test_no_text_of_a_chart_or_a_reading_bypasses_the_catalogues(name):
    source = (REPORT_ROOM / name).read_text(encoding="utf-8").partition("\ndef picture(")[0]  # then what is saved
    columns = re.compile(r"\w+:[NQ]")
    assert {text for text in bare(source) - {*get_args(reading.Kind)} if not columns.fullmatch(text)} == set()


SHOWN_IN_SCRIPT = re.compile(
    r"""(?:\.(?:textContent|innerText|title|placeholder|alt|ariaLabel)\s*=\s*
    |setAttribute\(\s*"(?:aria-label|aria-description|title|placeholder|alt)"\s*,\s*)
    (?:"(?P<plain>[^"]*)"|`(?P<template>[^`]*)`)""",
    re.VERBOSE,
)


def bare_in_script(source: str) -> set[str]:
    texts = (m["plain"] or re.sub(r"\$\{[^}]*\}", "", m["template"] or "") for m in SHOWN_IN_SCRIPT.finditer(source))
    return {text for text in texts if WORD.search(text)}


def test_no_text_of_the_desk_bypasses_the_catalogues():
    assert len(DESK) > 10
    assert {path: texts for path in DESK if (texts := bare_in_script(path.read_text(encoding="utf-8")))} == {}


def test_texts_of_a_script_are_distinguished_from_names():
    assert bare_in_script('a.textContent = "Saving …"; b.setAttribute("aria-label", "Classes")') == {
        "Saving …",
        "Classes",
    }
    assert bare_in_script("a.title = `${n} items`;") == {" items"}
    assert bare_in_script('a.textContent = t("Saving …"); a.setAttribute("role", "group"); b.alt = ""') == set()


# ---------------------------------------------------------------- charts

ROUNDS = pd.DataFrame(
    [
        {"round": 1, "labels": 40, "accuracy": 0.8, "low": 0.67, "high": 0.89, "holdout": 50, "strategy": "margin"}
        | {
            "backbone": "auto",
            "spent": 50,
            "hours": 1.0,
            "cost": 20.0,
            "agreement": None,
            "uncertainty": 0.2,
            "later": None,
        }
    ]
)
MEASURED = evaluation(np.eye(2)[[0, 1, 1]] * 0.6 + 0.2, np.array([0, 1, 0]), ["ja", "nein"])
NOWHERE = Projection(None, None, None, "not yet")
POINT = {"labels": 40, "accuracy": 0.8, "low": 0.7, "high": 0.9}
NEEDED = {"value": 30.0, "low": 20.0, "high": 39.0}
AGAINST = {"random": [POINT], "own": [POINT], "size": 40, "gain": None, "needed": NEEDED}
TRAINED = Training(tuple(Epoch(n, 1 / n, 0.5, 1 / n, 0.5) for n in range(1, 5)), {}, 0.5, "", 50)
REPORT = {
    "config": {},
    "runs": [
        {"strategy": name, "labels": [4, 8], "accuracy": [0.5, 0.6 + i / 100]}
        for name in ("margin", "random")
        for i in range(2)
    ],
    "summary": [
        {"strategy": "margin", "gain_over_random": 0.02, "gain_low": 0.01, "gain_high": 0.03},
        {"strategy": "random", "gain_over_random": 0.0, "gain_low": None, "gain_high": None},
    ],
}


@pytest.mark.slow
def test_charts_are_drawn_in_the_readers_language():
    def drawn() -> list[dict]:
        training = charts.training_frame(TRAINED)
        drawings = [
            curve_charts.accuracy_curve(
                ROUNDS, ROUNDS.iloc[:0], curve_charts.Axis("labels", _("labels")), curve_charts.Goal(0.9, NOWHERE)
            ),
            control_charts.control_chart(AGAINST),
            holdout_charts.confusion(MEASURED),
            holdout_charts.reliability(MEASURED.calibration),
            charts.training_curve(training, "loss"),
            charts.training_curve(training, "accuracy"),
            charts.class_counts({"good": 3}),
            comparison_charts.curves(REPORT),
            comparison_charts.gains(REPORT),
        ]
        return [drawing.to_dict() for drawing in drawings]

    assert {"labels", "epoch", "loss", "strategy"} <= {t for chart in drawn() for t in titles(chart)}
    use("ko")
    korean = drawn()
    for chart in korean:
        assert [t for t in titles(chart) if WORD.search(t) and not re.search("[가-힣]", t)] == []
        # every tooltip has a title, since Vega would show the name of its column
        assert all("title" in tip for tip in tooltips(chart))
    texts = json.dumps(korean, ensure_ascii=False)
    assert all(text in texts for text in ("무작위보다 나음", "에포크 4", "목표 90%"))


def tooltips(specification: object) -> Iterator[dict]:
    if isinstance(specification, dict):
        tips = specification.get("tooltip", [])
        yield from tips if isinstance(tips, list) else [tips] if tips else []
        for value in specification.values():
            yield from tooltips(value)
    elif isinstance(specification, list):
        for value in specification:
            yield from tooltips(value)
