"""How many labels each strategy saves: ours, modAL's and scikit-activeml's in one run under the same learner.

    python -m bench.label_efficiency.strategies DATA --seeds 5 --out efficiency.json --plots docs/images

DATA is a folder with reviews_en.csv, reviews_ko.csv (text, split, label) and cifar10/labels.csv (file, split, label);
scikit-learn's digits need no file. All strategies of a seed share randomly drawn first labels. The frozen learner is
trained anew after each batch and measured on the test split, which no strategy queries.

Area: under accuracy versus labels, divided by the labels' range. Gain: over random, paired by seed, with Student's 95%
interval. Saved: how many fewer labels than random are needed for the highest accuracy that both reach, paired by seed;
that of `random_again`, which has other draws, shows how much of it is noise. "few labels" looks at the first quarter of
the curve alone, "many labels" at its last half.

With --world the data are other ones, see `bench.label_efficiency.worlds`: of wrong labels, of rare classes, or a part
of the pool alone. Each seed has wrong labels of its own, so that the intervals hold for others, too. With several
--backbone the last tables and the pictures compare all with random sampling on the first of them.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

import strategies
from bench.label_efficiency.worlds import DRAWN, WORLDS
from labeler.backbones.auto import AUTO
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.experiments.dataset import Task, load_task, read_labeled
from labeler.experiments.simulate import Design, compare
from labeler.experiments.summary import Run, summarise, summary_of
from labeler.files.sources import SourceColumns
from labeler.projects.demo import write_digits
from labeler.report.charts import comparison as comparison_charts
from labeler.report.sentences.comparison import saved_in_short
from strategies import skactiveml

PLUGINS = Path(__file__).parent / "plugins"
FROZEN = LearnerConfig(kind="frozen")

# first labels, batch, batches
BUDGETS = {"digits": (20, 20, 9), "reviews_ko": (20, 20, 24), "reviews_en": (20, 20, 24), "cifar10": (50, 50, 14)}
OTHER_BUDGETS = {"reviews_ko3": (20, 20, 24)}  # of data that `bench.label_efficiency.three_classes` writes

# Peers that take more than about a second for a batch on 10,000 items see as many random candidates each time.
CANDIDATES = 1_000
SLOW = (
    "Badge",
    "BatchBALD",
    "CostEmbeddingAL",
    "DiscriminativeAL",
    "MaxHerding",
    "ProbabilisticAL",
    "ProbCover",
    "TypiClust",
)
# Peers that take half a minute (FourDs on image features) or minutes for a batch even so, or know only two classes;
# RandomSampling is `random`.
LEFT_OUT = (
    "FourDs",
    "MonteCarloEER",
    "ValueOfInformationEER",
    "Quire",
    "EpistemicUncertaintySampling",
    "RandomSampling",
)


def task_of(
    name: str,
    data: Path,
    scratch: Path,
    query: QueryConfig | None = None,
    learner: LearnerConfig = FROZEN,
    cache: Path | None = None,
) -> Task:
    """The labeled data set `name`, embedded.

    Args: scratch: a folder that is needed as long as the task is.
    """
    images = SourceColumns(image="file", label="label")
    if name == "digits":
        labeled = read_labeled(write_digits(scratch), images)
    elif name == "cifar10":
        labeled = read_labeled(data / name / "labels.csv", images)
    else:
        labeled = read_labeled(data / f"{name}.csv")
    return load_task(labeled, query, learner, cache)


def part(report: dict[str, Any], points: slice) -> dict[str, dict[str, Any]]:
    """The summary of some points of the curve, by strategy."""
    cut: list[dict[str, Any]] = [
        {key: value[points] if isinstance(value, list) else value for key, value in run.items()}
        for run in report["runs"]
    ]
    return {row["strategy"]: row for row in summarise([Run(**run) for run in cut])}


def few(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The summary of the first quarter of the curve, by strategy."""
    return part(report, slice(max(2, (len(report["runs"][0]["labels"]) + 3) // 4)))


def many(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The summary of the last half of the curve, by strategy."""
    return part(report, slice(len(report["runs"][0]["labels"]) // 2, None))


def table(report: dict[str, Any]) -> str:
    """One line a strategy, as Markdown."""
    start, end, dataset = few(report), many(report), report["dataset"]
    labels = report["runs"][0]["labels"]
    lines = [
        f"**{dataset['name']}**: pool {dataset['pool']}, holdout {dataset['holdout']}, {len(dataset['classes'])}"
        f" classes; {labels[0]} to {labels[-1]} labels, {report['config']['seeds']} seeds",
        "",
        "| strategy | area | gain over random | 95% interval | saved | few labels | 95% interval | many labels"
        " | 95% interval |",
        "|---|---:|---:|---|---:|---:|---|---:|---|",
    ]
    for row in summary_of(report):
        name = row["strategy"]
        lines.append(
            f"| {name} | {row['aulc_mean']:.4f} | {_gain(row)} | {_interval(row)} | {saved_in_short(row)}"
            f" | {_gain(start[name])} | {_interval(start[name])} | {_gain(end[name])} | {_interval(end[name])} |"
        )
    return "\n".join(lines)


def overall(reports: Sequence[dict[str, Any]]) -> str:
    """The mean over the data sets, as Markdown; labels saved are those of `experiments.summary.labels_saved`."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for report in reports:
        start, end = few(report), many(report)
        for row in summary_of(report):
            name = row["strategy"]
            rows.setdefault(name, []).append(row | {"parts": (start[name], end[name])})
    lines = [
        "| strategy | data sets | mean gain | few labels | many labels | mean saved | above random | below random |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    means = {name: float(np.mean([r["gain_over_random"] for r in of])) for name, of in rows.items()}
    for name in sorted(rows, key=lambda n: (-len(rows[n]), -means[n])):
        of = rows[name]
        saved = np.mean([r["saved"]["percent"] if r["saved"] else 0.0 for r in of])
        above = sum(r["gain_low"] is not None and r["gain_low"] > 0 for r in of)
        below = sum(r["gain_high"] is not None and r["gain_high"] < 0 for r in of)
        early, late = np.mean([[p["gain_over_random"] for p in r["parts"]] for r in of], axis=0)
        gains = f"{means[name]:+.4f} | {early:+.4f} | {late:+.4f}"
        lines.append(f"| {name} | {len(of)} | {gains} | {saved:.0f}% | {above} | {below} |")
    return "\n".join(lines)


def _gain(row: dict[str, Any]) -> str:
    return "" if row["strategy"] == "random" else f"{row['gain_over_random']:+.4f}"


def _interval(row: dict[str, Any]) -> str:
    low, high = row["gain_low"], row["gain_high"]
    return "" if low is None or row["strategy"] == "random" else f"{low:+.4f} to {high:+.4f}"


def all_names() -> list[str]:
    """Everything registered and scikit-activeml's by their paths. modAL's choose the same as ours of the same name."""
    return ["random_again", *strategies.registered(), *(n for n in skactiveml.NAMES if not _is_of(n, LEFT_OUT))]


def run(task: Task, design: Design, plugins: Path = PLUGINS, processes: int | None = None) -> dict[str, Any]:
    """The report of `simulate.compare`, with the slow ones on fewer candidates."""
    slow = [name for name in design.strategies if _is_of(name, SLOW)]
    fast = replace(design, strategies=[n for n in design.strategies if n not in slow])
    report = compare(task, fast, processes, plugins=plugins)
    if slow:
        query = replace(task.config.query, candidates=CANDIDATES)
        fewer = replace(task, config=replace(task.config, query=query))
        others = compare(fewer, replace(design, strategies=slow), processes)
        report["runs"] += [r for r in others["runs"] if r["strategy"] != "random"]
        report["summary"] = summarise([Run(**r) for r in report["runs"]])
    return report


def _is_of(name: str, classes: Sequence[str]) -> bool:
    return name.startswith("skactiveml.") and name.split(".")[2] in classes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets, or a report that --out wrote")
    parser.add_argument("--only", default=",".join(BUDGETS), help="names of data sets, with commas between them")
    parser.add_argument("--strategies", default="", help="with commas between them; all that there are by default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--learner", choices=["frozen", "finetune"], default="frozen")
    parser.add_argument("--budget", help="first labels, labels a batch, batches: in place of the data set's own")
    parser.add_argument("--backbone", default=AUTO, help="a backbone for all data sets; several with ; between them")
    parser.add_argument("--seeding", default="random", help="what asks for the first labels of all but `random`")
    parser.add_argument("--processes", type=int, help="runs at once; one a core by default")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the features")
    parser.add_argument("--world", default="", help=f"of {', '.join(WORLDS)}; several with commas between them")
    parser.add_argument("--plugins", type=Path, default=PLUGINS, help="a folder of strategies of your own")
    parser.add_argument("--out", type=Path, help="the whole report as JSON")
    parser.add_argument("--plots", type=Path, help="a folder for a picture of each data set")
    options = parser.parse_args()
    if unknown := {*filter(None, options.world.split(","))} - WORLDS.keys():
        parser.error(f"there is no world {', '.join(sorted(unknown))}; there are {', '.join(WORLDS)}.")
    reports = []
    for report in stored(options.data) if options.data.is_file() else measured(options):
        reports.append(report)
        print(table(report) + "\n", flush=True)
        if options.out:
            options.out.write_text(json.dumps(reports, ensure_ascii=False), encoding="utf-8")
    print(overall(reports) + "\n")
    together = {report["dataset"]["name"]: report for report in joined(reports)}
    for report in together.values():
        print(table(report) + "\n")
    if options.plots:
        for report in (together or {report["dataset"]["name"]: report for report in reports}).values():
            name = re.sub(r"\W+", "_", report["dataset"]["name"])
            comparison_charts.save(comparison_charts.picture(report), options.plots / f"efficiency_{name}.png")


def in_worlds(task: Task, design: Design, options: argparse.Namespace) -> dict[str, Any]:
    """The report of all seeds in the worlds that the options name; each seed has its own draw of those in `DRAWN`."""
    worlds = [*filter(None, options.world.split(","))]

    def of_draw(draw: int) -> Task:
        return reduce(lambda task, world: WORLDS[world](task, draw), worlds, task)

    if not {*worlds} & {*DRAWN}:
        return run(of_draw(0), design, options.plugins, options.processes)
    draws = range(design.first, design.first + design.seeds)
    reports = [run(of_draw(draw), replace(design, seeds=1, first=draw), options.plugins, 1) for draw in draws]
    runs = [run for report in reports for run in report["runs"]]
    config = reports[0]["config"] | {"seeds": design.seeds}
    return reports[0] | {"config": config, "runs": runs, "summary": summarise([Run(**r) for r in runs])}


def stored(path: Path) -> Iterator[dict[str, Any]]:
    """The reports in a file, summarised anew."""
    for report in json.loads(path.read_text(encoding="utf-8")):
        yield report | {"summary": summarise([Run(**r) for r in report["runs"]])}


def measured(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The report of each data set on each backbone, one after another."""
    names = options.strategies.split(",") if options.strategies else all_names()
    for name in options.only.split(","):
        budget = map(int, options.budget.split(",")) if options.budget else (BUDGETS | OTHER_BUDGETS)[name]
        first, batch, batches = budget
        query = QueryConfig(seed_size=first, batch=batch)
        design = Design(names, options.seeds, batches, options.seeding)
        for backbone in options.backbone.split(";"):
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as scratch:
                learner = LearnerConfig(kind=options.learner, backbone=backbone)
                task = task_of(name, options.data, Path(scratch), query, learner, options.cache)
                report = in_worlds(task, design, options)
            parts = [name, options.world, backbone if ";" in options.backbone else ""]
            report["dataset"]["name"] = ", ".join(filter(None, parts))
            print(f"{report['dataset']['name']}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            yield report


def joined(reports: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One report for each data set that was run on several backbones; `random` is that on the first of them."""
    groups: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for report in reports:
        backbone = report["config"]["learner"]["backbone"]
        groups.setdefault(report["dataset"]["name"].removesuffix(f", {backbone}"), []).append((backbone, report))
    for data, parts in groups.items():
        if len(parts) > 1:
            first = parts[0][0]
            runs = [
                run if (backbone, run["strategy"]) == (first, "random") else renamed(run, backbone)
                for backbone, report in parts
                for run in report["runs"]
            ]
            summary = summarise([Run(**run) for run in runs])
            yield parts[0][1] | {"dataset": parts[0][1]["dataset"] | {"name": data}, "runs": runs, "summary": summary}


def renamed(run: dict[str, Any], backbone: str) -> dict[str, Any]:
    return run | {"strategy": f"{run['strategy']}, {backbone}"}


if __name__ == "__main__":
    main()
