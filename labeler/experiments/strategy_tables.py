"""The strategies that there are as tables in Markdown: `python -m labeler strategies --markdown`.

`python -m labeler.experiments.strategy_tables` (`make tables`) writes them into README.md and docs/strategies.md,
between their markers.
"""

from collections.abc import Iterable
from pathlib import Path

from strategies import base
from strategies.base import Strategy

ROOT = Path(__file__).resolve().parents[2]

# Families in the order in which one meets them in the literature; others follow, and the control comes last.
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
    found: dict[str, list[Strategy]] = {}
    for strategy in base.current().values():
        found.setdefault(strategy.family, []).append(strategy)
    others = sorted(found.keys() - {*ORDER, *LAST})
    return {family: found[family] for family in [*ORDER, *others, *LAST] if family in found}


def by_family() -> str:
    """A row for each family: its name, and the names of its strategies."""
    return _table(
        ("family", "names"),
        ((family, ", ".join(f"`{s.name}`" for s in members)) for family, members in families().items()),
    )


def in_full() -> str:
    """A row for each strategy: its name, family, what it asks, what it needs, and its source."""
    return _table(
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


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(head), "|".join(["---"] * len(head))]
    lines += [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    return "\n".join(f"|{line}|" if line.startswith("-") else f"| {line} |" for line in lines)


# ---------------------------------------------------------------- in the pages

BEGIN, END = "<!-- strategies: written by `make tables` -->", "<!-- /strategies -->"
PAGES = {"README.md": by_family, "docs/strategies.md": in_full}


def parts(text: str) -> tuple[str, str, str]:
    """What stands before the table of a page, the table, and what stands after it.

    Raises: ValueError: the page does not hold the two markers.
    """
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} followed by {END}.")
    return before, table.strip("\n"), after


def write_tables(root: Path = ROOT) -> None:
    """Bring the tables in the pages up to date."""
    for page, table in PAGES.items():
        path = root / page
        before, _, after = parts(path.read_text(encoding="utf-8"))
        path.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write_tables()
