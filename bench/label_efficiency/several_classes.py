"""Handwritten digits as a data set of several classes an item, for `python -m labeler simulate --answers several`."""

import csv
from pathlib import Path

import click

from labeler.projects.demo import write_digits

# What can be said of a digit; 1 and 3 are nothing of it.
CLASSES = {"even": "02468", "above four": "56789", "has a loop": "0689"}


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def main(out: Path) -> None:
    """Write 1,797 images to the folder OUT, and sets.csv with a row for each: file, label, e.g. `even;has a loop`."""
    out.mkdir(parents=True, exist_ok=True)
    with write_digits(out).open(encoding="utf-8") as digits, (out / "sets.csv").open("w", encoding="utf-8") as table:
        rows = csv.writer(table)
        rows.writerow(["file", "label"])
        for row in csv.DictReader(digits):
            names = [name for name, members in CLASSES.items() if row["label"] in members]
            rows.writerow([row["file"], ";".join(names) or "[]"])
    click.echo(f"{out / 'sets.csv'}")


if __name__ == "__main__":
    main()
