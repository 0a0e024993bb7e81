"""What sentences about the classes are worth before the first label, and how long.

    python -m bench.learner.class_sentences DATA --seeds 20

Accuracy on the holdout, with the same random labels for all: heads that learn from the labels alone, the sentences
alone, and heads that start from the sentences. The last rows check that sentences which say nothing do no harm: in
`mute` each class has a random direction in place of its sentences, in `wrong` it has those of another class. Encoders
that are not on this machine are left out (`make encoders`).
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.learner.encoders import part
from labeler.backbones.choose import load_encoder
from labeler.backbones.meaning import meaning
from labeler.core.errors import BackboneError, TooFewClassesError
from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.experiments.dataset import Task, load_task, read_labeled
from labeler.learner.heads import fit_heads, weight_of_prior
from labeler.learner.prior import Known, Prior, looked_at, standardised
from labeler.learner.task import LearningTask
from labeler.progress.curves import paired_gain

DATA = (
    ("reviews_en", "bge-small-en-v1.5"),
    ("reviews_ko", "multilingual-e5-small"),
    ("reviews_ko", "multilingual-e5-small + char_tfidf"),
    ("reviews_en", "all-MiniLM-L6-v2"),
)
RIGHT = 0.7  # share of the predictions
FIRST_SEED = 1000  # the learner's constants were chosen on draws of labels with smaller seeds
# Written before anything was measured, and not changed since.
SENTENCES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "reviews_en": {
        "negative": ["A negative movie review.", "I hated it, it is boring and bad."],
        "positive": ["A positive movie review.", "I loved it, it is a great film."],
    },
    "reviews_ko": {
        "negative": ["부정적인 영화 평이다.", "지루하고 재미없다. 최악의 영화였다."],
        "positive": ["긍정적인 영화 평이다.", "정말 재미있고 감동적이다. 최고의 영화였다."],
    },
}


@dataclass(frozen=True)
class Trial:
    """A data set as one encoder reads it, without labels, and what the sentences say of its classes."""

    task: Task
    learning: LearningTask
    known: Known

    @classmethod
    def load(cls, data: Path, name: str, encoder_name: str, sizes: tuple[int, int], cache: Path) -> "Trial":
        learner = LearnerConfig(kind="frozen", backbone=encoder_name)
        labeled = part(read_labeled(data / f"{name}.csv"), *sizes)
        task = load_task(labeled, QueryConfig(seed_size=20), learner, cache)
        encoder = load_encoder(learner, "text", [str(text) for text in task.dataset.inputs], task.cache)
        learning = task.learning(encoder)
        sentences = [encoder.encode(SENTENCES[name][c]) for c in task.config.classes]
        return cls(task, learning, Known(sentences, meaning(encoder)))

    def priors(self) -> dict[str, Prior | None]:
        """The prior of the sentences, of predictions, a random one, and that of the sentences of the wrong class."""
        learning = self.learning
        prior = self.known.prior(learning.normalizer, self.task.dataset.embeddings, learning.n_classes)
        features = learning.features(np.arange(len(self.task.dataset)))
        random = np.random.default_rng(7).normal(size=(learning.n_classes, features.shape[1]))
        wrong = None if prior is None else Prior(np.roll(prior.weight, 1, 0), np.roll(prior.bias, 1, 0))
        draw, targets = np.random.default_rng(8), self.task.targets
        wrong_guess = (targets + draw.integers(1, learning.n_classes, len(targets))) % learning.n_classes
        guesses = np.where(draw.random(len(targets)) < RIGHT, targets, wrong_guess)
        guesses[self.task.holdout] = -1
        guesses = guesses[looked_at(len(guesses))]
        guessed = Known(guesses=guesses).prior(learning.normalizer, self.task.dataset.embeddings, learning.n_classes)
        return {
            "with the sentences": prior,
            f"with predictions, {RIGHT:.0%} right": guessed,
            "sentences of the other class (wrong)": wrong,
            "random directions (mute)": standardised(random, features),
        }

    def accuracy(self, prior: Prior | None, n: int, seed: int) -> tuple[float, float]:
        """Accuracy with `n` labels, and the weight of the prior."""
        rows = np.random.default_rng(FIRST_SEED + seed).permutation(self.task.pool)[:n]
        labels, holdout = Labels(rows, self.task.targets[rows]), self.task.holdout
        learning = replace(self.learning.relabeled(labels), prior=prior)
        truth, weight = self.task.targets[holdout], weight_of_prior(learning)
        try:
            predicted = fit_heads(learning, weight).predict_proba(self.task.dataset, holdout).argmax(axis=1)
        except TooFewClassesError:  # whoever has seen one class says that
            predicted = np.full(len(truth), labels.targets[0])
        return float((predicted == truth).mean()), weight


def row(trial: Trial, prior: Prior | None, plain: Mapping[int, Sequence[float]]) -> list[str]:
    """The cells of a learner with a prior, beside the accuracies of heads alone by the number of labels."""
    cells = []
    for n, before in plain.items():
        if not n:
            cells.append(f"{trial.accuracy(prior, 0, 0)[0]:.3f}")
            continue
        accuracies, weights = zip(*[trial.accuracy(prior, n, seed) for seed in range(len(before))], strict=True)
        gain, low, high = paired_gain(list(accuracies), before)
        bounds = "" if low is None else f", {low:+.3f} to {high:+.3f}"
        cells.append(f"{np.mean(accuracies):.3f} ({gain:+.3f}{bounds}; k {np.mean(weights):.1f})")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--at", default="0,5,10,20,50,100,300", help="numbers of labels, with commas between them")
    parser.add_argument("--only", default="reviews_en,reviews_ko", help="data sets, with commas between them")
    parser.add_argument("--pool", type=int, default=2000)
    parser.add_argument("--holdout", type=int, default=1500)
    parser.add_argument("--cache", type=Path, help="folder that keeps the features; a temporary one by default")
    options = parser.parse_args()
    budgets = [int(n) for n in options.at.split(",")]
    print("| data | encoder | learner |", " | ".join(f"{n}" for n in budgets), "|")
    print("|---|---|---|" + "---:|" * len(budgets))
    for name, encoder in (pair for pair in DATA if pair[0] in options.only.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            try:
                sizes = options.pool, options.holdout
                trial = Trial.load(options.data, name, encoder, sizes, options.cache or Path(scratch))
            except BackboneError as error:
                print(error)
                continue
            priors = trial.priors()
            alone = trial.accuracy(priors["with the sentences"], 0, 0)[0]
            begin = f"| {name} | {encoder} |"
            print(f"{begin} sentences alone | {alone:.3f} |" + " |" * (len(budgets) - 1), flush=True)
            plain = {n: [trial.accuracy(None, n, s)[0] for s in range(options.seeds)] if n else [] for n in budgets}
            cells = [f"{np.mean(of_seeds):.3f}" if n else "–" for n, of_seeds in plain.items()]
            print(f"{begin} heads alone |", " | ".join(cells), "|", flush=True)
            for learner, prior in priors.items():
                print(f"{begin} {learner} |", " | ".join(row(trial, prior, plain)), "|", flush=True)


if __name__ == "__main__":
    main()
