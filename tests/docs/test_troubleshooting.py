"""The sentences that the page on troubleshooting quotes are those of the program."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.machine import ROOT

VALUE = "…"  # stands for a name or a number, in the page and below


def sentences(tree: ast.AST) -> Iterator[str]:
    """All texts of a file, with their values replaced."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.fixture(scope="module")
def program() -> str:
    """Every text of the program: of its Python files, the desk's scripts and the Makefile."""
    python = [path for folder in ("labeler", "pages") for path in (ROOT / folder).rglob("*.py")]
    texts = [text for path in python for text in sentences(ast.parse(path.read_text(encoding="utf-8")))]
    others = [ROOT / "Makefile", *(ROOT / "pages").rglob("*.js")]
    return "\n".join([*texts, *(path.read_text(encoding="utf-8") for path in others)])


QUOTED = re.findall(r"^> (.+)$", (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_troubleshooting_page_covers_the_usual_errors():
    for trouble in ("Port", "chromium", "cannot be downloaded", "CP949", "worker", "weights", "No answer is lost"):
        assert any(trouble in sentence for sentence in QUOTED), trouble


@pytest.mark.parametrize("sentence", QUOTED)
def test_quoted_sentences_are_messages_of_the_program(sentence, program):
    fragments = [fragment.strip(" ()'") for fragment in sentence.split(VALUE)]
    assert max(map(len, fragments)) >= 12  # enough to tell the sentence from others
    assert [fragment for fragment in fragments if fragment not in program] == []
