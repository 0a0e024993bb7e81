"""Whether the lead's figures can be believed: simulated projects, where the truth is known.

python -m bench.honesty run DATA --only cifar10 --projects 200 --out TRACES
"""

import argparse
import sys
import time
from pathlib import Path

from bench import honest_runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("data", type=Path)
    run.add_argument("--only", default="cifar10,reviews_en,reviews_ko,digits")
    run.add_argument("--projects", type=int, default=200)
    run.add_argument("--first", type=int, default=0, help="seed of the first project")
    run.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for name in options.only.split(","):
        began = time.perf_counter()
        for seed in honest_runs.simulate(name, options.data, options.out / name, options.first, options.projects):
            print(f"{name} {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
