"""The parts of the documentation that are written from the code: commands, settings, strategies.

`python -m labeler.cli.reference` (`make reference`) writes each part into its page in docs/, between two markers;
tests/docs/test_reference.py fails where a page is behind the code.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path

import click

from labeler.cli import main
from labeler.core.setting_descriptions import Setting, described
from labeler.core.settings import Config
from labeler.experiments import strategy_tables
from labeler.experiments.strategy_tables import markdown_table
from labeler.formats.base import FACTS
from labeler.formats.recognise import FORMATS
from labeler.projects.export_columns import Rows, columns_of
from labeler.report import headlines

ROOT = Path(__file__).resolve().parents[2]


def commands() -> str:
    """A list of all commands, then a section for each: how it is called, its help, its arguments and options."""
    context = click.Context(main, info_name="python -m labeler")
    listed = [main.commands[name] for name in main.list_commands(context)]
    return "\n\n".join([_overview(listed), *chain.from_iterable(_sections(command, context) for command in listed)])


def _sections(command: click.Command, parent: click.Context) -> Iterator[str]:
    """The section of a command, then those of the commands below it."""
    yield _command_section(command, parent)
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=command.name, parent=parent)
        for name in command.list_commands(context):
            yield _command_section(command.commands[name], context)


def _overview(listed: Iterable[click.Command]) -> str:
    rows = [(f"[`{command.name}`](#{command.name})", _summary(command)) for command in listed]
    return markdown_table(("command", "does"), rows)


def _summary(command: click.Command) -> str:
    """The first sentence of a command's help."""
    return (command.help or "").split("\n\n")[0].replace("\n", " ")


def _command_section(command: click.Command, parent: click.Context) -> str:
    context = click.Context(command, info_name=command.name, parent=parent)
    usage = command.get_usage(context).removeprefix("Usage: ")
    paragraphs = [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    heading = context.command_path.removeprefix("python -m labeler ")
    parts = [f"## {heading}", f"```\n{' '.join(usage.split())}\n```", *paragraphs]
    options = [
        _option_row(option, context)
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    if options:
        parts.append(markdown_table(("option", "what it does", "default"), options))
    return "\n\n".join(parts)


def _option_row(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    """An option as a row: its names with the value that it takes, its sentence, and its default."""
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else _value_of(option, context)
    if option.required:
        default = "must be given"
    elif option.show_default and not option.is_flag:
        default = f"`{option.default}`"
    else:
        default = ""
    variable = f" `{option.envvar}` in the environment." if option.envvar else ""
    return f"{names} {value}".strip(), f"{option.help or ''}{variable}", default


def _value_of(option: click.Option, context: click.Context) -> str:
    """The values that an option takes: choices by their names, numbers with their limits."""
    kind = option.type
    if isinstance(kind, click.Choice):
        return "one of " + ", ".join(f"`{choice}`" for choice in kind.choices)
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        if kind.max is None:
            return f"N, {'more than' if kind.min_open else 'at least'} {kind.min:g}"
        return f"N, {kind.min:g} to {kind.max:g}"
    return "N" if kind is click.INT else option.make_metavar(context)


def settings() -> str:
    """A table of settings for each section of `project.toml`, under the section's name."""
    return "\n\n".join(
        f"## {section}\n\n"
        + markdown_table(("setting", "what it does", "may be", "default"), map(_setting_row, members))
        for section, members in groupby(described(Config), _section_of)
    )


def _section_of(setting: Setting) -> str:
    return setting.key.rpartition(".")[0].replace("<class>", "CLASS").replace("<feed>", "NAME") or "The project itself"


def _setting_row(setting: Setting) -> tuple[str, str, str, str]:
    """A setting as a row, with its default as TOML writes it."""
    default = "must be given" if setting.default is None else f"`{json.dumps(setting.default, ensure_ascii=False)}`"
    return f"`{setting.key.rpartition('.')[2]}`", setting.description, setting.may_be.replace("'", "`"), default


def columns(rows: Rows) -> str:
    """A table of an export's columns with what they mean."""
    listed = [(f"`{column.name}`", column.kind, column.meaning) for column in columns_of(rows)]
    return markdown_table(("column", "holds", "meaning"), listed)


def formats() -> str:
    """A table of what the format of each tool holds of a project."""
    signs = {"both": "✓", "written": "out", None: "–"}
    rows = [(str(meaning), *(signs[f.keeps.get(fact)] for f in FORMATS.values())) for fact, meaning in FACTS.items()]
    return markdown_table(("", *(format_.title for format_ in FORMATS.values())), rows)


# ---------------------------------------------------------------- in the pages

# Page and name of the part → what writes it.
PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("docs/cli.md", "commands"): commands,
    ("docs/settings.md", "settings"): settings,
    ("docs/export.md", "items"): lambda: columns("items"),
    ("docs/export.md", "answers"): lambda: columns("answers"),
    ("docs/formats.md", "formats"): formats,
    ("docs/strategies.md", "families"): strategy_tables.by_family,
    ("docs/strategies.md", "strategies"): strategy_tables.in_full,
    ("docs/headlines.md", "headlines"): headlines.page,
}


def split_at(text: str, name: str) -> tuple[str, str, str]:
    """What stands before a written part of a page (with its marker), the part, and what stands after it.

    Raises: ValueError: the page does not hold the two markers of the part.
    """
    begin, end = f"<!-- {name}: written by `make reference` -->\n", f"\n<!-- /{name} -->"
    before, opening, rest = text.partition(begin)
    part, closing, after = rest.partition(end)
    if not opening or not closing:
        raise ValueError(f"there is no {begin.strip()} followed by {end.strip()}.")
    return before + opening, part.strip("\n"), closing + after


def write_parts(root: Path = ROOT) -> None:
    """Bring the written parts of all pages up to date."""
    for (page, name), write in PARTS.items():
        path = root / page
        before, _, after = split_at(path.read_text(encoding="utf-8"), name)
        path.write_text(f"{before}\n{write()}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    write_parts()
