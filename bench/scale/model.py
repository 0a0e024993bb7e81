"""What a pool of any size would take: a model of each step, calibrated on measured sizes and checked on a larger one.

    python -m bench.scale.cycle --texts 10000,100000,1000000 --out cycle.json
    python -m bench.scale.model cycle.json
    python -m bench.scale.model images.json --kind images --seconds "of the processor" --core 220 --width 1792

A first ranking is of what is embedded in its time, so it is taken together with the embedding of the rest. Each step
takes a constant and a part that is linear in the number of items, in seconds and in bytes. Both are fitted to
all measured sizes but the largest, which the model then predicts: that check is printed first. The later tables
extrapolate from all measured sizes, and are arithmetic, not measurements. Embedding is told apart from the rest, since
it is the part that more machines divide: its rate is given, in items a second of a core or of a card.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import table

SIZES = (10**6, 10**8, 10**10)
A_DAY = 86_400
RANKED = ("first ranking", "the rest embedded")
SECONDS = ("seconds", "of the processor")  # the second where other programs share the machine
FLOAT16 = 2  # bytes of a number of a feature


@dataclass(frozen=True)
class Line:
    """`constant + each · n`."""

    constant: float
    each: float

    def __call__(self, n: float) -> float:
        return self.constant + self.each * n

    @classmethod
    def through(cls, sizes: Sequence[float], values: Sequence[float]) -> "Line":
        """The line with the least relative errors at positive sizes, without a part below 0.

        A single size gives a line through 0.
        """
        if len(set(sizes)) == 1:
            return cls(0.0, float(np.mean(values) / sizes[0]))
        weight = 1 / np.maximum(np.asarray(values, dtype=float), 1e-9)
        columns = np.stack([np.ones(len(sizes)), np.asarray(sizes, dtype=float)], axis=1)
        constant, each = np.linalg.lstsq(columns * weight[:, None], np.asarray(values) * weight, rcond=None)[0]
        if constant < 0:
            return cls(0.0, float(np.exp(np.mean(np.log(np.asarray(values) / np.asarray(sizes))))))
        return cls(float(constant), max(0.0, float(each)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, help="JSON of bench.scale.cycle")
    parser.add_argument("--kind", choices=("texts", "images"), default="texts", help="whose rows are read")
    parser.add_argument("--seconds", choices=SECONDS, default=SECONDS[0], help="those of the clock or of the processor")
    parser.add_argument("--core", type=float, default=150.0, help="items a second that a core embeds")
    parser.add_argument("--card", type=float, default=10_000.0, help="items a second that a GPU embeds")
    parser.add_argument("--width", type=int, default=384, help="columns of the features")
    options = parser.parse_args()
    measured = [row for row in json.loads(options.measured.read_text()) if options.kind in row]
    rows = together([row | {"items": row[options.kind], "seconds": row[options.seconds]} for row in measured])
    largest = max(row["items"] for row in rows)
    print(f"{table(checked(rows, largest))}\n")
    print(f"{table(extrapolated(rows))}\n")
    print(table(machines(options.core, options.card, options.width)))


def together(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with one for the steps from the import until a ranking of all items."""
    lines = [row for row in rows if row["step"] not in RANKED]
    for first in (row for row in rows if row["step"] == RANKED[0]):
        rest = next(row for row in rows if row["step"] == RANKED[1] and row["items"] == first["items"])
        lines.append(rest | {"step": "all embedded and ranked", "seconds": first["seconds"] + rest["seconds"]})
    return lines


def checked(rows: Sequence[dict[str, Any]], largest: int) -> list[dict[str, Any]]:
    """The largest size as the smaller ones predict it, beside what was measured."""
    lines = []
    for step in dict.fromkeys(row["step"] for row in rows):
        measured = next(row for row in rows if row["step"] == step and row["items"] == largest)
        line: dict[str, Any] = {"step": step, "items": largest}
        for figure in ("seconds", "project MB"):
            predicted = fitted([row for row in rows if row["items"] < largest], step, figure)(largest)
            line |= {
                f"{figure}, predicted": round(predicted, 1),
                f"{figure}, measured": measured[figure],
                f"{figure}, off by": f"{predicted / measured[figure] - 1:+.0%}",
            }
        lines.append(line)
    return lines


def extrapolated(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hours of each step on the machine that was measured, and the bytes after it."""
    lines = []
    for step in dict.fromkeys(row["step"] for row in rows):
        seconds, size = fitted(rows, step, "seconds"), fitted(rows, step, "project MB")
        line: dict[str, Any] = {"step": step}
        for n in SIZES:
            line |= {f"{n:.0e}: hours": f"{seconds(n) / 3600:,.2f}", f"{n:.0e}: GB": f"{size(n) / 1e3:,.1f}"}
        lines.append(line)
    return lines


def machines(core: float, card: float, width: int) -> list[dict[str, Any]]:
    """What embedding alone takes with a pretrained encoder, and how many cores or cards do it within a day."""
    return [
        {
            "items": f"{n:.0e}",
            "one core, days": f"{n / core / A_DAY:,.1f}",
            "one GPU, hours": f"{n / card / 3600:,.1f}",
            "cores for a day": f"{int(np.ceil(n / core / A_DAY)):,}",
            "GPUs for a day": f"{int(np.ceil(n / card / A_DAY)):,}",
            "features, GB": f"{n * width * FLOAT16 / 1e9:,.1f}",
        }
        for n in SIZES
    ]


def fitted(rows: Sequence[dict[str, Any]], step: str, figure: str) -> Line:
    """The line of one figure of a step."""
    own = [row for row in rows if row["step"] == step]
    return Line.through([row["items"] for row in own], [row[figure] for row in own])


if __name__ == "__main__":
    main()
