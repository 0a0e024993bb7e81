"""The parts of docs/ that are written from the code: they are up to date, and complete."""

import re
import tomllib
from collections.abc import Iterator

import click
import pytest

from labeler.cli import main, reference
from labeler.core.setting_descriptions import described
from labeler.core.settings import Config
from labeler.core.settings_file import to_toml
from tests.support.machine import ROOT


def page_text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "name"), reference.PARTS)
def test_generated_parts_equal_what_the_code_generates(page, name):
    _, part, _ = reference.split_at(page_text(page), name)
    assert part == reference.PARTS[page, name](), f"{page} is behind the code: run `make reference`"


def test_every_command_has_a_section_with_its_options():
    sections = re.split(r"^## ", page_text("docs/cli.md"), flags=re.MULTILINE)[1:]
    commands = dict(named_commands(main))
    assert {section.splitlines()[0] for section in sections} == commands.keys()
    for section in sections:
        command = commands[section.splitlines()[0]]
        options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
        assert re.findall(r"^\| `(--[\w-]+)`", section, re.MULTILINE) == [option.opts[0] for option in options]


def named_commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with its name as it is typed."""
    for name, command in group.commands.items():
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from named_commands(command, f"{above}{name} ")


def test_every_setting_has_a_row_with_its_default():
    rows = [f"{section}.{name}" for section, name, *_ in setting_rows()]
    keys = [setting.key.replace("<class>", "CLASS").replace("<feed>", "NAME") for setting in described(Config)]
    assert rows == [key for key in keys if "." in key]
    defaults = tomllib.loads(to_toml(Config("x", ("a", "b"))))
    checked = 0
    for section, name, _, _, default in setting_rows():
        values = defaults
        for part in section.split("."):
            values = values.get(part, {})
        if name in values:
            assert tomllib.loads(f"x = {default.strip('`')}")["x"] == values[name], name
            checked += 1
    assert checked >= 14


def test_the_levers_of_the_learners_page_are_all_levers_with_their_defaults():
    block = re.search(r"```toml\n(\[learner\.finetune\].*?)```", page_text("docs/learner.md"), re.DOTALL)[1]
    assert tomllib.loads(block) == {
        "learner": {"finetune": tomllib.loads(to_toml(Config("x", ("a", "b"))))["learner"]["finetune"]}
    }


def setting_rows() -> list[tuple[str, ...]]:
    """Section, name, sentence, values and default of each setting that is in a section."""
    rows = []
    for section in re.split(r"^## ", page_text("docs/settings.md"), flags=re.MULTILINE)[1:]:
        title, *lines = section.splitlines()
        if title != "The project itself":
            rows += [
                (title, *cells)
                for line in lines
                for cells in re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", line)
            ]
    return rows


def test_an_options_values_and_default_are_documented():
    @click.command()
    @click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="A port.")
    @click.option("--kind", type=click.Choice(["a", "b"]), required=True, help="A kind.")
    @click.option("--limit", type=click.FloatRange(min=0, min_open=True), default=30, help="Seconds.")
    @click.option("--on/--off", default=None, help="A switch.")
    def command() -> None: ...

    context = click.Context(command)
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [reference._option_row(option, context) for option in options] == [
        ("`--port` N, 1 to 65535", "A port.", "`8501`"),
        ("`--kind` one of `a`, `b`", "A kind.", "must be given"),
        ("`--limit` N, more than 0", "Seconds.", ""),
        ("`--on`, `--off`", "A switch.", ""),
    ]


def test_a_generated_part_replaces_only_the_text_between_its_markers(monkeypatch, tmp_path):
    monkeypatch.setattr(reference, "PARTS", {("page.md", "first"): lambda: "| 1 |", ("page.md", "second"): lambda: "2"})
    path = tmp_path / "page.md"
    markers = "<!-- {0}: written by `make reference` -->\n{1}\n<!-- /{0} -->"
    path.write_text(
        f"a\n{markers.format('first', 'old')}\nb\n{markers.format('second', 'old')}\n후\n", encoding="utf-8"
    )
    for _ in range(2):  # writing twice changes nothing
        reference.write_parts(tmp_path)
        assert path.read_text(encoding="utf-8") == (
            f"a\n{markers.format('first', chr(10) + '| 1 |' + chr(10))}\nb\n"
            f"{markers.format('second', chr(10) + '2' + chr(10))}\n후\n"
        )


BEGIN, END = "<!-- x: written by `make reference` -->\n", "\n<!-- /x -->"


@pytest.mark.parametrize("text", ["nothing", BEGIN, END + BEGIN])
def test_a_page_without_markers_is_refused(text):
    with pytest.raises(ValueError, match="there is no <!-- x"):
        reference.split_at(text, "x")
