"""What the README and docs/ say is there: commands, strategies, settings and defaults, examples, links."""

import dataclasses
import re
import tomllib
from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner

import strategies
from labeler.cli import main
from labeler.core import settings_file
from labeler.core.settings import Config
from labeler.experiments import strategy_tables
from strategies.contract import CHECKS
from strategies.worlds import pool
from tests.support.machine import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", strategy_tables.PAGES)
def test_the_tables_of_strategies_are_those_of_the_registry(page):
    _, table, _ = strategy_tables.parts((ROOT / page).read_text(encoding="utf-8"))
    assert table == strategy_tables.PAGES[page](), f"{page} is behind: run `make tables`"


def test_every_strategy_that_is_named_is_there():
    text = README[README.index("## Strategies") : README.index("Which of them saves labels")]
    named = [name for name in re.findall(r"`([\w.]+(?:\([\w.()]+\))?)`", text) if "/" not in name]
    assert {"modAL.batch.uncertainty_batch_sampling", "skactiveml.pool.Badge", "distinct(margin)"} <= set(named)
    for name in named:
        if find_spec("skactiveml") or not name.startswith("skactiveml."):
            strategies.get(name)


def test_every_command_is_listed():
    assert set(
        re.findall(r"^python -m labeler ([\w-]+)", README[README.index("## Command line") :], re.MULTILINE)
    ) == set(main.commands)


@pytest.mark.parametrize("page", ["README.md", "docs/strategies.md"])
def test_the_commands_that_are_shown_have_the_options_that_are_shown(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^python -m labeler ([\w-]+)(.*)$", text, re.MULTILINE)
    assert lines
    for command, arguments in lines:
        known = {option for parameter in main.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", arguments)) <= known, command


def test_the_defaults_are_those_of_the_code():
    values = tomllib.loads(settings_file.to_toml(Config("x", ("a", "b"))))
    flat = values | {f"{section}.{key}": v for section in values for key, v in _items(values[section])}
    rows = re.findall(r"^\| (`[\w.]+`(?:, `[\w.]+`)*) \| ([^|]+) \|", README, re.MULTILINE)
    checked = 0
    for names, defaults in rows:
        for name, default in zip(re.findall(r"`([\w.]+)`", names), defaults.replace("`", "").split(","), strict=True):
            if name in flat:
                value = flat[name]
                shown = str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0")
                assert shown == default.strip(), name
                checked += 1
    assert checked >= 14


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def example(page: str) -> str:
    """The first block of Python on a page."""
    return re.search(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)[1]


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


def test_what_candidates_hold_is_told():
    text = (ROOT / "docs/strategies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| \(", text, re.MULTILINE)
    assert rows == [field.name for field in dataclasses.fields(strategies.Candidates)]


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "docs/benchmarks.md", "docs/strategies.md", "docs/leading.md", "docs/labeling.md"],
)
def test_links_and_named_files_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, heading in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", text):
        path = (ROOT / page).parent.joinpath(target) if target else ROOT / page
        assert path.exists(), target
        if heading:
            found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [title.lower().replace(" ", "-") for title in found], heading
    for target in re.findall(r"`((?:labeler|strategies|pages|tests)/[\w/]+\.py)`", text):
        assert (ROOT / target).exists(), target
