"""Whether the lead's figures can be believed: simulated projects, where the truth is known.

    python -m bench.honesty.report run DATA --projects 200 --out TRACES
    python -m bench.honesty.report report DATA TRACES

DATA is a folder with cifar10/labels.csv, reviews_en.csv and reviews_ko.csv; scikit-learn's digits need no file. `run`
simulates projects and keeps them, `bench.honesty.runs` says what; it goes on where it was ended. One process a data set
(`--only`) takes about an hour in all on one core. `report` trains nothing.

accuracy   how often the 95% interval of a round's accuracy on the holdout (Wilson) has the accuracy on the whole
           population in it, and how wide it is
control    the same for the gain over random sampling and for the labels that were saved, see
           `labeler.progress.control`; the share of the projects where there is enough to say so, and where the interval
           of labels saved has both ends; what was saved (medians), as a share of the labels that random sampling takes
projected  labels to a target (what projects reach with 300 labels in the mean), projected at a quarter, at half and at
           three quarters of the way: how often there is enough to say so, how often the interval has the truth in it,
           how far the expected number is off, and how often the interval is not open
stopping   each rule, by default and with easier thresholds, the target as above: where it stops, and compared with
           going on to the end, what accuracy on the population that loses and what labels it saves
errors     a tenth of the labels are made wrong; the share of them among the fifth of the labels that is looked at first
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.honesty import figures as honest_figures
from bench.honesty import runs
from bench.honesty.figures import Row, Traces
from bench.tables import table


def report(traces_by_data: Sequence[Traces]) -> str:
    """All figures of the data sets as Markdown."""
    parts: dict[str, Callable[[Traces], Row]] = {
        "Accuracy": honest_figures.accuracies,
        "Control arm": honest_figures.controlled,
        "Projection": honest_figures.projected,
        "Label errors": honest_figures.found_errors,
    }
    texts = [
        f"**{title}**\n\n" + table([{"data": f"{t.name} ({len(t.projects)})"} | figures(t) for t in traces_by_data])
        for title, figures in parts.items()
    ]
    rules = [{"data": traces.name} | row for traces in traces_by_data for row in honest_figures.stopped(traces)]
    return "\n\n".join([*texts, f"**Stopping rules**\n\n{table(rules)}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run, tell = commands.add_parser("run"), commands.add_parser("report")
    for command in (run, tell):
        command.add_argument("data", type=Path, help="the folder with the data sets")
        command.add_argument("--only", default="cifar10,reviews_en,reviews_ko,digits", help="with commas between them")
        command.add_argument("--projects", type=int, default=200)
    run.add_argument("--first", type=int, default=0, help="seed of the first project")
    run.add_argument("--out", type=Path, required=True, help="the folder for what is kept, which may hold some already")
    tell.add_argument("traces", type=Path, help="the folder that `run` filled")
    options = parser.parse_args()
    names = options.only.split(",")
    if options.command == "report":
        recorded = [name for name in names if (options.traces / name / "random.npz").exists()]
        print(report([Traces.load(options.traces / name, options.data, options.projects) for name in recorded]))
        return
    for name in names:
        began = time.perf_counter()
        for seed in runs.simulate(name, options.data, options.out / name, options.first, options.projects):
            print(f"{name} {seed}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
