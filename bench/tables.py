"""Tables of benchmarks, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows whose keys are the heads; the first column has words, the others have figures. A row may lack some."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    lines = [heads, ["---:" if column else "---" for column in range(len(heads))]]
    lines += [[cell(row.get(head)) for head in heads] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """A value as it stands in a table: several figures with strokes between them."""
    match value:
        case None:
            return "–"
        case list():
            return " / ".join(map(str, value))
        case dict():
            return ", ".join(f"{name}s: {state}" for name, state in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
