"""How long the page Items takes with 100,000 texts, or 100,000 rows of images: its visits, and what they read.

A page's time is that of its script: Streamlit's test runner runs it without a browser. "first" is with nothing
remembered, as after an answer; "again" is the next page of the same list. Beside the time on the clock stands the
processor's, which others on the machine do not change. Predictions and the map are made up; the images are small and
few, as a page draws 24.

    python -m bench.items.lists
    python -m bench.items.lists --items 20000 --modality image
"""

import argparse
import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import streamlit as st
from altair.utils import schemapi
from PIL import Image
from streamlit.testing.v1 import AppTest

from bench.lead import letters
from bench.lead.pages import Took, in_words, middle, milliseconds
from labeler.backbones.features import FeatureFiles, as_keys
from labeler.core.items import Answer, Modality, NewItem
from labeler.core.settings import Config
from labeler.explain.neighbours import nearest
from labeler.learner.model import Normalizer
from labeler.projects import pool_map, predictions
from labeler.projects import project as projects
from labeler.projects.importer import content_hash
from labeler.projects.pool_map import PoolMap
from labeler.projects.predictions import Predictions
from labeler.projects.project import Project
from labeler.store.catalogue import ItemFilter

ROOT = Path(__file__).resolve().parents[2]
TIMES = 3
IMAGES = 200  # files; the rows share them
ON_MAP = 2000
WIDTH = 384  # of an embedding
SITES = ("Seoul", "Busan", "Incheon")


def make(folder: Path, n: int, modality: Modality, rng: np.random.Generator) -> Project:
    """A project with `n` items, 2,000 answers, predictions for the pool and a map."""
    project = projects.create(folder, Config(name="bench", classes=tuple(letters.LETTERS), modality=modality))
    with project.store() as store:
        store.items.add([*_items(project, n, modality, rng)])
        store.holdout.draw(300)
        pool = np.array([item.id for item in store.items.all() if item.split == "pool"], dtype=np.int64)
        labeled = rng.choice(pool, min(2000, len(pool) // 2), replace=False).tolist()
        classes = project.config.classes
        store.answers.add("kim", [Answer(f"bench{i}", i, "label", classes[i % len(classes)]) for i in labeled])
    proba = rng.dirichlet(np.ones(len(classes)), len(pool))
    predictions.keep(project, Predictions("made up", pool, proba, classes, 0), predictions.POOL)
    pool_map.keep(project, PoolMap(pool[:ON_MAP], rng.random((len(pool[:ON_MAP]), 2)), len(pool), "made up"))
    return project


def _items(project: Project, n: int, modality: Modality, rng: np.random.Generator) -> Iterator[NewItem]:
    names = [f"media/{number}.png" for number in range(IMAGES)]
    for name in names if modality == "image" else []:
        path = project.folder / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)
    classes = [*letters.LETTERS]
    for number in range(n):
        name, product = classes[int(rng.integers(len(classes)))], str(rng.choice(letters.PRODUCTS))
        metadata = {"site": SITES[number % len(SITES)], "product": product}
        text = letters.write(name, product, number, rng) if modality == "text" else None
        media = None if text else names[number % IMAGES]
        source = f"letters.csv row {number + 2}" if text else f"scans/site-{number % 7}/scan-{number}.png"
        yield NewItem(content_hash(f"{modality} {number}".encode()), source, text, media, metadata=metadata)


def visits(project: Project) -> dict[str, tuple[Took, Took]]:
    """Milliseconds of each visit of the page: with nothing remembered, and again."""
    app = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=120)
    app.run().switch_page("items/page.py").run()

    def key(name: str) -> str:
        return f"items-{project.slug}-{name}"

    def view(name: str) -> Callable[[], object]:
        return lambda: app.button_group(key("view")).set_value(name)

    steps: dict[str, Callable[[], object]] = {
        "cards": view("cards"),
        "table": view("table"),
        "map": view("map"),
        "cards, a search": lambda: (view("cards")(), app.text_input(key("words")).set_value("환불 3")),
        "cards, a column": lambda: (
            app.text_input(key("words")).set_value(""),
            app.selectbox(key("column")).set_value("site").run(),
            app.selectbox(key("value-site")).set_value("Busan"),
        ),
        "cards, likeliest of a class": lambda: (
            app.selectbox(key("column")).set_value(None),
            app.selectbox(key("order")).set_value(("likely", 1)),
        ),
        "an open item": lambda: next(b for b in app.button if b.key and b.key.startswith("open-")).click(),
    }
    took = {}
    for name, go in steps.items():
        go()
        app.run()
        first, again = [], []
        for _ in range(TIMES):
            st.cache_data.clear()
            st.cache_resource.clear()
            first.append(milliseconds(app.run))
            again.append(milliseconds(app.run))
        if app.exception:
            raise SystemExit(f"{name}: {app.exception[0].value}")
        took[name] = middle(first), middle(again)
    return took


def reads(project: Project, rng: np.random.Generator) -> dict[str, Took]:
    """Milliseconds of what the page reads from the database, and of the search for similar items."""
    with project.store() as store:
        catalogue = store.catalogue
        everything = catalogue.ids(ItemFilter()).tolist()
        hashes = {name: item for item, name in store.items.hashes_of(everything).items()}
        files = FeatureFiles(project.embeddings / "bench", WIDTH)
        with files.locked():
            files.append(as_keys(list(hashes)), rng.random((len(hashes), WIDTH), dtype=np.float32))
        normalizer = Normalizer(np.full(WIDTH, 0.5, dtype=np.float32), (WIDTH,))
        first, ids = next(iter(hashes)), catalogue.ids(ItemFilter())
        calls: dict[str, Callable[[], object]] = {
            "all ids": lambda: catalogue.ids(ItemFilter()),
            "a word of two syllables": lambda: catalogue.ids(ItemFilter(words="환불")),
            "three words": lambda: catalogue.ids(ItemFilter(words="refund late 7")),
            "a word that no item has": lambda: catalogue.ids(ItemFilter(words="zzzz")),
            "a class": lambda: catalogue.ids(ItemFilter(name=project.config.classes[0])),
            "an annotator": lambda: catalogue.ids(ItemFilter(annotator="kim")),
            "a column": lambda: catalogue.ids(ItemFilter(column="site", value="Busan")),
            "a page of 100": lambda: catalogue.page(ids[5000:5100].tolist()),
            "a history": lambda: catalogue.history(int(ids[17])),
            "1,000 similar items": lambda: nearest(first, hashes, 1000, "bench", normalizer, project.embeddings),
            "500 asked next": lambda: store.asked_next.ask(
                store.asked_next.first_askable(reversed(catalogue.search(ItemFilter()).ids), 500), 500, "bench", "bench"
            ),
        }
        return {name: middle([milliseconds(call) for _ in range(TIMES)]) for name, call in calls.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--modality", choices=get_args(Modality), help="both by default")
    values = parser.parse_args()
    schemapi.disable_debug_mode()  # as streamlit_app.py does
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; medians of {TIMES},")
    print("in ms on the clock (of the processor)")
    for modality in [values.modality] if values.modality else get_args(Modality):
        rng = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as home:
            os.environ["LABELER_HOME"] = home
            project = make(Path(home) / f"bench-{modality}", values.items, modality, rng)
            size = project.database.stat().st_size / 1e6
            print(f"\n| {values.items:,} {modality}s, a database of {size:.0f} MB | first | again |\n|---|---:|---:|")
            for name, (first, again) in visits(project).items():
                print(f"| {name} | {in_words(first)} | {in_words(again)} |")
            for name, took in reads(project, rng).items():
                print(f"| {name} | {in_words(took)} | |")


if __name__ == "__main__":
    main()
