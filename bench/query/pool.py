"""The pool that queries are measured on: random embeddings around as many centres as there are classes."""

from pathlib import Path

import numpy as np

D, CLASSES, MEMBERS, LABELED = 384, 10, 5, 500
ROWS = 8192  # made or read at a time


def make(folder: Path, n: int) -> None:
    """Write the pool's arrays into a folder.

    X.npy: (n + LABELED, D) float32, the candidates and after them the labeled items; half.npy: the same in float16;
    proba.npy: (n, CLASSES) and member_proba.npy: (MEMBERS, n, CLASSES) float32, drawn at random.
    """
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(CLASSES, D)).astype(np.float32)
    shapes: dict[str, tuple[int, ...]] = {
        "X": (n + LABELED, D),
        "half": (n + LABELED, D),
        "proba": (n, CLASSES),
        "member_proba": (MEMBERS, n, CLASSES),
    }
    to = {
        name: np.lib.format.open_memmap(
            folder / f"{name}.npy", "w+", dtype=np.float16 if name == "half" else np.float32, shape=shape
        )
        for name, shape in shapes.items()
    }
    for start in range(0, n + LABELED, ROWS):
        rows = slice(start, min(start + ROWS, n + LABELED))
        block = draw.standard_normal((rows.stop - start, D), dtype=np.float32)
        block += centres[draw.integers(CLASSES, size=len(block))]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        to["X"][rows] = to["half"][rows] = block
    for array in (to["proba"], *to["member_proba"]):
        for start in range(0, n, ROWS):
            array[start : start + ROWS] = draw.dirichlet(np.ones(CLASSES), len(array[start : start + ROWS]))
