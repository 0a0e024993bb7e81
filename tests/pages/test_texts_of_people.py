"""Names, notes, classes, columns and titles are shown letter for letter, on every page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from streamlit.testing.v1 import AppTest

from tests.support.machine import ROOT
from tests.support.pages import visit
from tests.support.texts_of_people import SIGNS, fill

URL = "http://evil.example/pic.png"
# Fields of elements in which no Markdown is read, and what is HTML, which is looked at on its own.
PLAIN = re.compile(
    r"options|default|value$|placeholder|[iI]d$|hash|arrow|data|spec|url|pageName|Html|mimeType|json", re.I
)
MEANT = re.compile(r"(?<!\\)!?\[[xy](?!\\)\]|(?<!\\)<(?:b|img)\b|(?<!\\):red(?!\\)\[|:smile:|(?<!\\)\$x|(?<!\\)\*\*f")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AppTest]:
    """Every page as a lead sees it."""
    home = tmp_path_factory.mktemp("people") / "home"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LABELER_HOME", str(home))
        fill(home / "p", URL)
        names = ("label", "items", "progress", "review", "team", "project")
        shown = {name: visit(name, annotator="lead") for name in names}
        opened = visit("items", annotator="lead")
        next(button for button in opened.button if button.key == "open-1").click().run()
        assert not opened.exception, opened.exception
        return shown | {"item": opened}


def texts(app: AppTest) -> Iterator[tuple[str, str]]:
    """The texts of all elements, each with the field that it stands in."""

    def of(value: object, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for name, part in value.items():
                yield from of(part, f"{path}.{name}")
        elif isinstance(value, list):
            for part in value:
                yield from of(part, path)
        elif isinstance(value, str):
            yield path, value

    def walk(node: object) -> Iterator[tuple[str, str]]:
        proto = getattr(node, "proto", None)
        if hasattr(proto, "DESCRIPTOR"):
            yield from of(MessageToDict(proto), proto.DESCRIPTOR.name)
        for child in getattr(node, "children", {}).values():
            yield from walk(child)

    yield from walk(app._tree)


@pytest.mark.parametrize("name", ["label", "items", "item", "progress", "review", "team", "project"])
def test_no_page_takes_what_people_wrote_for_markdown(pages, name):
    shown = [(path, text) for path, text in texts(pages[name]) if not PLAIN.search(path)]
    assert [(path, text) for path, text in shown if MEANT.search(text)] == []


@pytest.mark.parametrize("name", ["items", "item", "progress", "review", "project"])
def test_the_pages_show_what_people_wrote(pages, name):
    assert any("!\\[x\\](http:" in text for path, text in texts(pages[name]) if not PLAIN.search(path))


def test_html_of_our_own_has_no_tag_of_people(pages):
    html = [text for path, text in texts(pages["review"]) if path.startswith("Html")]
    assert not [text for text in html if "<img" in text]
    assert any("&lt;img" in text for text in html)


def test_choices_and_tables_have_no_backslashes(pages):
    """Nothing of Markdown is read there, so it would show the signs that escape."""
    options = [text for path, text in texts(pages["review"]) if path == "Selectbox.options"]
    assert any(SIGNS.format(url=URL) in text for text in options)


# ---------------------------------------------------------------- what is new is found

# Methods of Streamlit whose first text is Markdown.
READ = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "expander", "header", "info", "link_button",
    "markdown", "metric", "page_link", "popover", "progress", "subheader", "success", "title", "toast", "toggle",
    "warning", "write",
}  # fmt: skip


def test_no_page_puts_values_into_markdown_by_itself():
    """Values stand in fields of messages, which are escaped, or are escaped by name."""
    files = sorted((ROOT / "pages").rglob("*.py"))
    assert [f"{path.parent.name}/{path.name}: {text}" for path in files for text in unsafe(path)] == []


def unsafe(path: Path) -> Iterator[str]:
    """The values of names and attributes that a file hands to a method of Streamlit as Markdown."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in READ:
            first = call.args[: call.func.attr != "page_link"]  # whose first argument is the page's path
            texts_of_call = [*first, *(k.value for k in call.keywords if k.arg in ("label", "help", "caption"))]
            yield from (f"{call.func.attr}({ast.unparse(part)})" for text in texts_of_call for part in raw_parts(text))


def raw_parts(text: ast.expr) -> Iterator[ast.expr]:
    """The parts of an expression that may be what a person wrote: attributes, subscripts, and names in f-strings."""
    match text:
        case ast.Attribute() | ast.Subscript():
            yield text
        case ast.JoinedStr():
            values = [part for part in text.values if isinstance(part, ast.FormattedValue) and part.format_spec is None]
            for part in values:
                yield from raw_parts(part.value)
        case ast.BinOp(left, _, right):
            yield from raw_parts(left)
            yield from raw_parts(right)
        case ast.IfExp(_, body, orelse):
            yield from raw_parts(body)
            yield from raw_parts(orelse)
        case ast.Call(ast.Name("str"), args):
            yield from args
        case ast.Call(ast.Attribute(_, "join"), [ast.GeneratorExp(element)]):
            yield from raw_parts(element)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("st.title(config.name)", 1),
        ("st.markdown(f'**{row[0]}**')", 1),
        ("st.error(str(error))", 1),
        ("column.caption(' · '.join(f'{item.source}' for item in items))", 1),
        ("st.info(_('hello') + user.name)", 1),
        ("st.markdown(f'**{escaped(row[0])}** {share:.0%}')", 0),
        ("st.markdown(_('by {name}', name=user.name))", 0),
    ],
)
def test_such_values_are_found(tmp_path, line, count):
    (tmp_path / "page.py").write_text(line)
    assert len([*unsafe(tmp_path / "page.py")]) == count
