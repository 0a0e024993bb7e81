"""How long the server takes for the lead's pages of a large project, and for what they read.

A page's time is that of its script: Streamlit's test runner runs it without a browser. "first" is with nothing
remembered, in a process that has run it before; "again" is a rerun as a click makes it; "after an answer" is one for
which an answer has come in, so that what is remembered is out of date. Beside the time on the clock stands the
processor's, which others on the machine do not change.

    python -m bench.lead.pages
    python -m bench.lead.pages --items 100000 --answers 50000 --rounds 200 --json pages.json
"""

import argparse
import json
import logging
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from altair.utils import schemapi
from streamlit.testing.v1 import AppTest

from bench.lead.project import make
from labeler.core.items import Answer
from labeler.projects.project import Project
from labeler.store import Store, effort

ROOT = Path(__file__).resolve().parents[2]
# A page, or a part of it by the tab's name.
PAGES = (
    *("progress/Curve", "progress/Holdout", "progress/Against random", "progress/When to stop", "progress/Agreement"),
    *("progress/Slices", "progress/Rounds", "progress/Report", "review", "team", "label", "project"),
)
GOAL = 300.0  # ms
TIMES = 3
VERBS: dict[str, Callable[[Store], Any]] = {
    "version": lambda store: store.version(),
    "items.counts": lambda store: store.items.counts(),
    "items.labels": lambda store: store.items.labels(),
    "rounds.labels_until_next": lambda store: store.rounds.labels_until_next(),
    "rounds.all": lambda store: store.rounds.all(),
    "forecasts.each": lambda store: [*store.forecasts.each("holdout")],
    "effort.work": lambda store: store.effort.work(),
    "team.rates": lambda store: store.team.rates(),
    "rounds.claimed_at": lambda store: store.rounds.claimed_at(),
    "audits.latest_report": lambda store: store.audits.latest_report(),
    "decisions.latest": lambda store: store.decisions.latest(),
    "reviews.annotations": lambda store: store.reviews.annotations(),
    "items.labeled_in_order": lambda store: store.items.labeled_in_order(),
}


Took = tuple[float, float]  # ms on the clock, ms of the processor


def milliseconds(call: Callable[[], object]) -> Took:
    began, worked = time.perf_counter(), time.process_time()
    call()
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)


def middle(took: Sequence[Took]) -> Took:
    clock, processor = (statistics.median(times) for times in zip(*took, strict=True))
    return clock, processor


def measure_page(project: Project, name: str) -> dict[str, Took]:
    """Milliseconds of a page's script: medians of `TIMES`."""
    app = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=120)
    app.run()
    page, _, part = name.partition("/")
    if part:
        app.session_state["part"] = part
    visit = app.run if page == "label" else app.switch_page(f"{page}/page.py").run  # imports are not what is measured
    visit()
    first, again, after = [], [], []
    for turn in range(TIMES):
        st.cache_data.clear()
        st.cache_resource.clear()
        effort._cache.clear()
        first.append(milliseconds(app.run))
        again.append(milliseconds(app.run))
        with project.store() as store:
            item = store.db.value("SELECT id FROM items WHERE split = 'pool' AND labels = 0 LIMIT 1")
            store.answers.add("bench", [Answer(f"{name}-{turn}", item, "label", project.config.classes[0], 2.0)])
        after.append(milliseconds(app.run))
    if app.exception:
        raise SystemExit(f"{name}: {app.exception[0].value}")
    return {"first": middle(first), "again": middle(again), "after": middle(after)}


def measure_verb(project: Project, verb: Callable[[Store], Any]) -> Took:
    with project.store() as store:
        verb(store)
        return middle([milliseconds(lambda: verb(store)) for _ in range(TIMES)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in {"items": 100_000, "answers": 50_000, "annotators": 12, "days": 60, "rounds": 200}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--pages", nargs="*", default=PAGES)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    schemapi.disable_debug_mode()  # as streamlit_app.py does
    values = parser.parse_args()
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as home:
        os.environ["LABELER_HOME"] = home
        began = time.perf_counter()
        project = make(
            Path(home) / "letters",
            values.rounds,
            items=values.items,
            answers=values.answers,
            annotators=values.annotators,
            days=values.days,
        )
        with project.store() as store:
            counts, rounds = store.items.counts(), len(store.rounds.all())
        print(
            f"{counts.pool + counts.holdout:,} items, {counts.answers_by_people:,} labels by {values.annotators}"
            f" people, {rounds} rounds; made in {time.perf_counter() - began:.0f} s."
        )
        pages = {name: measure_page(project, name) for name in values.pages}
        verbs = {name: measure_verb(project, verb) for name, verb in VERBS.items()}
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians of {TIMES},")
    print("in ms on the clock (of the processor)\n")
    print(f"{'page':<26}{'first':>14}{'again':>14}{'after an answer':>18}")
    for name, row in pages.items():
        slow = "   over the goal of 300" if max(processor for _, processor in row.values()) > GOAL else ""
        print(f"{name:<26}{in_words(row['first']):>14}{in_words(row['again']):>14}{in_words(row['after']):>18}{slow}")
    print(f"\n{'verb':<20}")
    for name, took in sorted(verbs.items(), key=lambda entry: -entry[1][1]):
        print(f"{name:<20}{in_words(took):>14}")
    if values.json:
        values.json.write_text(json.dumps({"pages": pages, "verbs": verbs}, indent=1) + "\n")


def in_words(took: Took) -> str:
    return f"{took[0]:,.0f} ({took[1]:,.0f})"


if __name__ == "__main__":
    main()
