"""How long a query takes: every registered strategy, next to modAL's function where it has the same.

    python -m bench.query_speed --sizes 10000,100000 --repeat 3

Random 384-d float32 embeddings, 10 classes, 5 members, 500 labeled, batches of 100. Seconds are the best of the
repeats. modAL's own functions run through `strategies.modal`, which adds a permutation
and a look-up.
"""

import argparse
import time

import numpy as np

import strategies
from strategies import Candidates, Strategy

MODAL = {
    "least_confidence": "modAL.uncertainty.uncertainty_sampling",
    "margin": "modAL.uncertainty.margin_sampling",
    "entropy": "modAL.uncertainty.entropy_sampling",
    "vote_entropy": "modAL.disagreement.vote_entropy_sampling",
    "consensus_entropy": "modAL.disagreement.consensus_entropy_sampling",
}


def pool(n: int, d: int = 384, classes: int = 10, members: int = 5, labeled: int = 500) -> Candidates:
    """A pool of n candidates around as many centres as there are classes."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(classes, d)).astype(np.float32)
    embeddings = centres[rng.integers(classes, size=n + labeled)]
    embeddings += rng.standard_normal(embeddings.shape, dtype=np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Candidates(
        ids=np.arange(n),
        proba=rng.dirichlet(np.ones(classes), n).astype(np.float32),
        member_proba=rng.dirichlet(np.ones(classes), (members, n)).astype(np.float32),
        embeddings=embeddings[:n],
        labeled_embeddings=embeddings[n:],
        labeled_targets=rng.integers(0, classes, labeled),
    )


def seconds(strategy: Strategy, c: Candidates, batch: int, repeat: int) -> float:
    """The shortest of `repeat` queries."""
    times = []
    for seed in range(repeat):
        start = time.perf_counter()
        strategy.query(c, batch, np.random.default_rng(seed))
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000", help="pool sizes, with commas between them")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="", help="names of strategies, with commas between them")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(strategies.registered())
    warm = pool(100)  # first calls import scikit-learn and modAL
    for name in wanted:
        strategies.get(name).query(warm, 5, np.random.default_rng(0))
        if name in MODAL:
            strategies.get(MODAL[name]).query(warm, 5, np.random.default_rng(0))
    print(f"{'pool':>8} {'strategy':<20} {'seconds':>9} {'modAL':>9} {'ratio':>7}  modAL's function")
    for n in map(int, options.sizes.split(",")):
        c = pool(n)
        for name in wanted:
            ours = seconds(strategies.get(name), c, options.batch, options.repeat)
            theirs = MODAL.get(name, "")
            row = f"{n:>8} {name:<20} {ours:>9.4f}"
            if not theirs:
                print(f"{row} {'-':>9} {'-':>7}", flush=True)
                continue
            modal = seconds(strategies.get(theirs), c, options.batch, options.repeat)
            print(f"{row} {modal:>9.4f} {modal / ours:>6.1f}×  {theirs}", flush=True)


if __name__ == "__main__":
    main()
