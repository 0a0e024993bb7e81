"""What bfloat16 costs in accuracy: heads on the same texts' features in both precisions, on the same labels.

    python -m bench.learner.precision ../shared/data/reviews_en.csv --backbone bge-small-en-v1.5

On a processor that multiplies bfloat16 in hardware. Half of the texts teach, drawn anew for each seed, and the other
half measures. Printed are the accuracy in float32 and the mean difference in points with its 95% interval over seeds.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import t

from bench.learner.fidelity import cosines
from labeler.backbones.encoder import computed_on
from labeler.backbones.texts import load_text_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.experiments.dataset import read_labeled
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask

LABELS = (50, 200, 700)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="a table with texts and labels")
    parser.add_argument("--backbone", default="bge-small-en-v1.5")
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    labeled = read_labeled(options.table)
    rows = list(labeled.rows.values())
    chosen = np.random.default_rng(0).permutation(len(rows))[: options.texts]
    texts: list[Path | str] = [str(rows[place].text) for place in chosen]
    names = [labeled.labels[place][0] for place in chosen]
    targets = np.array([labeled.classes.index(name) for name in names])
    encoder = load_text_encoder(options.backbone)
    if computed_on(encoder)["precision"] != "bfloat16":
        parser.exit(1, "This processor does not multiply bfloat16 in hardware: there is nothing to compare.\n")
    features = {"bfloat16": encoder.encode(texts), "float32": replace(encoder, mixed=False).encode(texts)}
    cosine = cosines(*(own - features["float32"].mean(axis=0) for own in features.values()))
    print(f"{options.backbone}, {len(texts)} texts, centred: mean cosine {cosine.mean():.6f}, least {cosine.min():.6f}")
    print("| labels | float32 | difference in points (95%) |\n|---:|---:|---|")
    for n in LABELS:
        accuracy = {name: np.empty(options.seeds) for name in features}
        for seed in range(options.seeds):
            order = np.random.default_rng(seed).permutation(len(texts))
            test = order[len(texts) // 2 :]
            for name, own in features.items():
                data = Dataset(texts, own, encoder.dims)
                model = fit_heads(LearningTask.of(data, Labels(order[:n], targets[order[:n]]), len(labeled.classes)))
                accuracy[name][seed] = (model.predict_proba(data, test).argmax(axis=1) == targets[test]).mean()
        gain = 100 * (accuracy["bfloat16"] - accuracy["float32"])
        half = t.ppf(0.975, options.seeds - 1) * gain.std(ddof=1) / np.sqrt(options.seeds)
        interval = f"{gain.mean() - half:+.2f} to {gain.mean() + half:+.2f}"
        print(f"| {n} | {accuracy['float32'].mean():.3f} | {gain.mean():+.2f} ({interval}) |", flush=True)


if __name__ == "__main__":
    main()
