"""README and docs/: examples run, and commands, options, files, links and headings that they name are there."""

import dataclasses
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import strategies
from labeler.cli import main
from strategies.contract import CHECKS
from strategies.worlds import pool
from tests.support.machine import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md")))]
FOLDERS = "labeler|strategies|pages|tests|bench|docs"


def page_text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_readme_has_under_700_words():
    assert len(page_text("README.md").split()) < 700


def test_every_strategy_that_is_named_is_there():
    page = page_text("docs/strategies.md")
    prose = page[page.index("## Names") : page.index("<!-- strategies:")]
    named = [name for name in re.findall(r"`([\w.]+(?:\([\w.()]+\))?)`", prose) if "/" not in name]
    assert {"modAL.batch.uncertainty_batch_sampling", "skactiveml.pool.Badge", "distinct(margin)"} <= set(named)
    assert len(named) >= len(strategies.registered())
    for name in named:
        if find_spec("skactiveml") or not name.startswith("skactiveml."):
            strategies.get(name)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_that_are_shown_have_the_options_that_are_shown(page):
    for command, arguments in re.findall(
        r"^(?:\.venv/bin/)?python -m labeler ([\w-]+)(.*)$", page_text(page), re.MULTILINE
    ):
        options = {option for parameter in main.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", arguments)) <= options, command


def test_readme_and_tutorial_show_commands():
    shown = re.compile(r"^(?:\.venv/bin/)?python -m labeler ([\w-]+)", re.MULTILINE)
    assert set(shown.findall(page_text("README.md"))) == {"check-strategy", "simulate"}
    assert {"status", "export", "report", "predict", "publish", "init", "import"} == set(
        shown.findall(page_text("docs/tutorial.md"))
    )


@pytest.mark.parametrize("page", PAGES)
def test_the_targets_of_make_that_are_shown_are_there(page):
    targets = set(re.findall(r"^([\w-]+):", page_text("Makefile"), re.MULTILINE))
    shown = re.findall(r"(?:^|`)make ((?:[a-z]+ ?)+)", page_text(page), re.MULTILINE)
    assert {target for names in shown for target in names.split()} <= targets


@pytest.mark.parametrize("page", PAGES)
def test_the_modules_that_are_shown_are_there(page):
    for module in re.findall(r"python3? -m ((?:bench|labeler)\.[\w.]+)", page_text(page)):
        if module != "bench.train_speed":  # the name at the revision that was measured
            assert find_spec(module), module


def example(page: str) -> str:
    """The first block of Python on a page."""
    return re.search(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.mark.slow
def test_the_example_strategy_has_ten_lines_and_keeps_every_promise(tmp_path):
    source = example("docs/strategies.md")
    assert source == example("README.md")
    assert len(source.splitlines()) == 10
    (tmp_path / "my_strategies.py").write_text(source, encoding="utf-8")
    result = CliRunner().invoke(main, ["check-strategy", str(tmp_path / "my_strategies.py")])
    assert result.exit_code == 0, result.output
    assert "my_strategies.py: gini" in result.output
    assert "!" not in result.output  # not even a hint
    assert f"{len(CHECKS) + 1} promises kept, 0 broken." in result.output
    with strategies.strategies_of(tmp_path):
        gini = strategies.get("gini")
        # by hand: 1 − 0.81 − 0.01 and 1 − 0.36 − 0.16
        chosen = gini.query(
            strategies.Candidates(np.arange(2), proba=np.array([[0.9, 0.1], [0.6, 0.4]])), 2, np.random.default_rng(0)
        )
    assert chosen.positions.tolist() == [1, 0]
    np.testing.assert_allclose(chosen.scores, [0.48, 0.18])


def test_the_adapters_lines_work(tmp_path):
    pytest.importorskip("skactiveml")
    text = (ROOT / "docs/strategies.md").read_text(encoding="utf-8")
    lines = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "theirs.py").write_text(lines, encoding="utf-8")
    with strategies.strategies_of(tmp_path) as broken:
        assert broken == []
        for name in re.findall(r'"(\w+)", needs', lines):
            assert len(strategies.get(name).query(pool(), 9, np.random.default_rng(0)).positions) == 9


def test_the_fields_of_candidates_are_documented():
    text = (ROOT / "docs/strategies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| \(", text, re.MULTILINE)
    assert rows == [field.name for field in dataclasses.fields(strategies.Candidates)]


def headings(path: Path) -> list[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_named_files_are_there(page):
    text = page_text(page)
    for target, heading in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", text):
        path = (ROOT / page).parent.joinpath(target) if target else ROOT / page
        assert path.exists(), target
        if heading:
            assert heading in headings(path), heading
    for target in re.findall(rf"`((?:{FOLDERS})/[\w/.-]+\.(?:py|js|md|html|po))`", text):
        assert (ROOT / target).exists(), target


def test_every_page_is_reached_from_the_navigation():
    navigation = set(re.findall(r"[\w./-]+\.md", page_text("mkdocs.yml")))
    assert {f"docs/{page}" for page in navigation} == set(PAGES) - {"README.md", "CONTRIBUTING.md"}


def test_the_glossary_has_twenty_terms_each_with_a_korean_one():
    rows = re.findall(r"^\| \*\*(.+?) \| (.+?) \| (.+) \|$", page_text("docs/glossary.md"), re.MULTILINE)
    assert len(rows) >= 20
    assert [row for row in rows if not re.search("[가-힣]", row[1]) or not row[2].endswith(".")] == []
    terms = [term.lower() for term, _, _ in rows]
    assert terms == sorted(terms)


def test_contributing_names_every_room_and_no_other():
    text = page_text("CONTRIBUTING.md")
    table = text[text.index("| room |") : text.index("| beside `labeler/` |")]
    layers = re.search(r"```\n(.*?)```", text, re.DOTALL)[1]
    rooms = {path.parent.name for path in (ROOT / "labeler").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == rooms
    assert set(re.findall(r"\w+", layers)) == rooms | {"strategies", "pages"}
