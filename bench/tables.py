"""Tables of benchmarks, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from labeler.progress.curves import paired_gain


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


def gain(ours: Sequence[float], control: Sequence[float], digits: int = 3) -> str:
    """The mean of the paired differences, with its 95% interval in brackets; of a single pair without one."""
    mean, low, high = paired_gain(ours, control)
    return f"{mean:+.{digits}f}" + ("" if low is None else f" ({low:+.{digits}f} to {high:+.{digits}f})")
