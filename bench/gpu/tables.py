"""Figures as rows of one table, written as they come: a lent machine may be taken away at any time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEAD = "| measured | labeler | unit | peer | ratio to the peer |\n|---|---:|---|---:|---:|\n"


@dataclass(frozen=True)
class Row:
    """A figure. peer: the same of what it is compared with; better: whether more is better."""

    what: str
    value: float | str
    unit: str
    peer: float | None = None
    more_is_better: bool = True

    def __str__(self) -> str:
        ratio = ""
        if self.peer and isinstance(self.value, float):
            ratio = f"{self.value / self.peer if self.more_is_better else self.peer / self.value:.2f}"
        peer = "" if self.peer is None else _figure(self.peer)
        return f"| {self.what} | {_figure(self.value)} | {self.unit} | {peer} | {ratio} |"


def _figure(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write(title: str, rows: Iterable[Row], file: Path) -> None:
    """Append a section to the file and to the terminal, row by row."""
    say(f"\n## {title}\n\n{HEAD}", file)
    for row in rows:
        say(f"{row}\n", file)


def say(text: str, file: Path) -> None:
    print(text, end="", flush=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(text)
