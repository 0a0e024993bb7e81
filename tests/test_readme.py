"""What the README says is there: its commands, strategies, settings and defaults, its example, its links."""

import re
import tomllib

import numpy as np
import pytest
from samples import ROOT

import strategies
from labeler import config as settings
from labeler.cli import main
from labeler.config import Config
from strategies import base

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_strategy_is_listed_and_every_listed_one_is_there():
    table = README[README.index("| family | names |") : README.index("Which of them saves labels")]
    listed = set(re.findall(r"`([\w.]+)`", table))
    assert {name for name in listed if "." not in name} == set(strategies.registered())
    for name in listed:
        strategies.get(name)


def test_every_command_is_listed():
    assert set(re.findall(r"^python -m labeler (\w+)", README, re.MULTILINE)) == set(main.commands)


def test_the_defaults_are_those_of_the_code():
    values = tomllib.loads(settings.to_toml(Config("x", ("a", "b"))))
    flat = values | {f"{section}.{key}": v for section in values for key, v in _items(values[section])}
    rows = re.findall(r"^\| (`[\w.]+`(?:, `[\w.]+`)*) \| ([^|]+) \|", README, re.MULTILINE)
    checked = 0
    for names, defaults in rows:
        for name, default in zip(re.findall(r"`([\w.]+)`", names), defaults.replace("`", "").split(","), strict=True):
            if name in flat:
                assert str(flat[name]).removesuffix(".0") == default.strip(), name
                checked += 1
    assert checked >= 14


def _items(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def test_the_example_strategy_works():
    source = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    with base.registry(dict(strategies.registered())):
        exec(compile(source, "README.md", "exec"), {"__name__": "example"})
        chosen = strategies.get("second_best").query(
            strategies.Candidates(np.arange(2), proba=np.array([[0.9, 0.1], [0.6, 0.4]])), 1, np.random.default_rng(0)
        )
        assert chosen.positions.tolist() == [1]
        assert strategies.get("second_best").family == "uncertainty sampling"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/benchmarks.md"])
def test_links_and_named_files_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target
    for target in re.findall(r"`((?:labeler|strategies|pages|tests)/[\w/]+\.py)`", text):
        assert (ROOT / target).exists(), target
