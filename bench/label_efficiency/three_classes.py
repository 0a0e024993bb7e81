"""Korean film reviews as three uneven, noisy classes, for `bench.label_efficiency.strategies --only reviews_ko3`."""

import csv
from pathlib import Path

import click
import numpy as np

SHARES = {"negative": 0.6, "positive": 0.3, "mixed": 0.1}
ITEMS = {"train": 6_000, "test": 1_300}
ERRORS = 0.15  # share of the pool's labels that are wrong


@click.command()
@click.argument("data", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def main(data: Path, out: Path) -> None:
    """Write reviews_ko3.csv to the folder OUT, made of reviews_ko.csv in the folder DATA.

    Its classes are kept at 60, 30 and 10 in a hundred. A mixed review is a positive and a negative one in a random
    order. Labels of the split `train` are wrong as often as experts may be; those of `test` are right.
    """
    rng = np.random.default_rng(0)
    reviews: dict[tuple[str, str], list[str]] = {}
    with (data / "reviews_ko.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            reviews.setdefault((row["split"], row["label"]), []).append(row["text"])
    out.mkdir(parents=True, exist_ok=True)
    with (out / "reviews_ko3.csv").open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["text", "split", "label"])
        for split, n in ITEMS.items():
            negative, positive = (iter(reviews[split, label]) for label in ("negative", "positive"))
            for name, share in SHARES.items():
                for _ in range(round(share * n)):
                    both = {"negative": negative, "positive": positive}
                    parts = [next(both[name])] if name in both else rng.permutation([next(positive), next(negative)])
                    others = [other for other in SHARES if other != name]
                    wrong = split == "train" and rng.random() < ERRORS
                    rows.writerow([" ".join(parts), split, rng.choice(others) if wrong else name])
    click.echo(f"{out / 'reviews_ko3.csv'}")


if __name__ == "__main__":
    main()
