"""The registered strategies as tables in Markdown, for `python -m labeler strategies --markdown` and docs/."""

from collections.abc import Iterable

from strategies import base
from strategies.base import Strategy

# Families in the usual order of the literature; others follow, and the control comes last.
ORDER = [
    "uncertainty sampling",
    "query by committee",
    "expected model change",
    "density-weighted",
    "core-set",
    "low budget",
    "hybrid",
]
LAST = ["control"]


def families() -> dict[str, list[Strategy]]:
    """The registered strategies by family, in the order of their files."""
    members: dict[str, list[Strategy]] = {}
    for strategy in base.current().values():
        members.setdefault(strategy.family, []).append(strategy)
    others = sorted(members.keys() - {*ORDER, *LAST})
    return {family: members[family] for family in [*ORDER, *others, *LAST] if family in members}


def by_family() -> str:
    """A row for each family: its name, and the names of its strategies."""
    return markdown_table(
        ("family", "names"),
        ((family, ", ".join(f"`{s.name}`" for s in members)) for family, members in families().items()),
    )


def in_full() -> str:
    """A row for each strategy: its name, family, summary, needs, and source."""
    return markdown_table(
        ("name", "family", "what it asks", "needs", "source"),
        (
            (
                f"`{s.name}`",
                family,
                s.summary,
                ", ".join(f"`{need}`" for need in sorted(s.needs)) or "nothing",
                s.source,
            )
            for family, members in families().items()
            for s in members
        ),
    )


def markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of text as a table in Markdown."""
    lines = [" | ".join(head), "|".join(["---"] * len(head))]
    lines += [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    return "\n".join(f"|{line}|" if line.startswith("-") else f"| {line} |" for line in lines)
