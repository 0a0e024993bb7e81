"""The demo project: scikit-learn's handwritten digits with a labeled holdout and an unlabeled pool."""

import csv
import tempfile
from pathlib import Path

from labeler.core.items import Progress
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.projects.project import Project

# Imports of sklearn and PIL are deferred because they are slow to load and the demo is created once.

SIDE, MARGIN = 64, 8  # pixels; the original digits have 8 × 8 and no margin


def create_demo(folder: Path, on_progress: Progress | None = None) -> Project:
    """The demo project, created if it does not exist and completed if an earlier import was cut off."""
    if projects.is_project(folder):
        project = projects.open_project(folder)
    else:
        config = Config(
            name="Handwritten digits",
            classes=tuple("1234567890"),  # in this order each digit is on its own key
            modality="image",
            target_accuracy=0.9,
            budget=500,
            query=QueryConfig(seed_size=20, batch=20),
            learner=LearnerConfig(input_size=64),
        )
        project = projects.create(folder, config)
    with project.store() as store:
        complete = store.items.counts().holdout > 0
    if not complete:
        with tempfile.TemporaryDirectory() as scratch:
            table = write_digits(Path(scratch))
            import_source(
                project,
                table,
                SourceColumns(image="file", label="label"),
                keep_labels="holdout",
                on_progress=on_progress,
            )
    return project


def write_digits(folder: Path) -> Path:
    """The path of a table of file and label, written to `folder` with the 1,797 digits as PNGs."""
    from PIL import Image, ImageOps
    from sklearn.datasets import load_digits

    digits = load_digits()
    table = folder / "digits.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label"])
        for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
            name = f"{number:04d}.png"
            digit_image = Image.fromarray((255 - pixels * (255 / 16)).astype("uint8"))
            inner = digit_image.resize((SIDE - 2 * MARGIN,) * 2, Image.Resampling.BICUBIC)
            ImageOps.expand(inner, MARGIN, 255).save(folder / name)
            rows.writerow([name, digit])
    return table
