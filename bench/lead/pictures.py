"""The pictures in docs/images that show the app, taken anew.

The tutorial's project is labeled by a script that knows the digits, round by round; photographs are cut from those that
come with scikit-learn. It takes some minutes, as the rounds are real. The tutorial's text has the figures of its two
curves, so these are taken only where `--home` holds the project that it describes, named `tutorial`.

    python -m bench.lead.pictures docs/images
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_digits, load_sample_images

import labeler
from bench.lead.letters import LETTERS
from bench.lead.project import make
from bench.lead.screens import app, settle
from labeler.core.items import NewItem
from labeler.core.settings import ClassDetail, Config, LabelingConfig, LearnerConfig, QueryConfig
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.demo import create_demo
from labeler.projects.importer import import_source
from tests.support.machine import CHROMIUM

CLASSES = ("tower", "pavilion", "pavement", "petal", "background")
# Parts of the photographs in which a class fills most of the picture: image, left, top, right, bottom.
PLACES = {
    "tower": (0, 150, 20, 330, 160),
    "pavilion": (0, 0, 150, 380, 330),
    "pavement": (0, 60, 330, 640, 427),
    "petal": (1, 160, 60, 480, 380),
    "background": (1, 0, 0, 150, 427),
}
RULES = """# What to name

Name what fills **most** of the picture. If two things share it, take the one in focus.
"""
SIDE = 150  # pixels of a part


def tutorial(home: Path, labels: int = 200) -> None:
    """The project of the tutorial after so many answers, one round after each 20."""
    create_demo(home / "demo")
    project, target = labeler.Project(home / "demo"), load_digits().target
    project.run_round()
    for number in range(labels):
        (item,) = project.next_items("you")
        project.answer("you", item, str(target[row_of(item.source)]), 1.6 + number % 7 / 5)
        if number % 20 == 19:
            summary = project.run_round()
            print(number + 1, summary.metrics)


def row_of(source: str) -> int:
    """The row of a table's item, from 0; the header is row 1."""
    return int(source.rsplit(" ", 1)[1]) - 2


def survey(home: Path) -> None:
    """A project of parts of two photographs, after two rounds."""
    rng, photographs = np.random.default_rng(0), load_sample_images().images
    config = Config(
        "Site survey",
        CLASSES,
        query=QueryConfig(seed_size=20, batch=20),
        learner=LearnerConfig(kind="frozen"),
        labeling=LabelingConfig(reveal="after"),
        class_details={
            "tower": ClassDetail(colour="#2458b8", group="building", description="The high roofs against the sky."),
            "pavilion": ClassDetail(colour="#c2491d", group="building", description="The lower roofs among the trees."),
            "pavement": ClassDetail(colour="#5b6b7a", group="building", description="Stones of the square."),
            "petal": ClassDetail(colour="#b83280", group="plant", description="One flower or more."),
            "background": ClassDetail(colour="#2f855a", group="plant", description="Leaves out of focus."),
        },
    )
    project = projects.create(home / "survey", config)
    guidelines.write(project, RULES)
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(300):
            name = CLASSES[number % len(CLASSES)]
            photograph, left, top, right, bottom = PLACES[name]
            x = int(rng.integers(left, right - SIDE + 1)) if right - left > SIDE else left
            y = int(rng.integers(top, bottom - SIDE + 1)) if bottom - top > SIDE else top
            part = Image.fromarray(photographs[photograph][y : y + SIDE, x : x + SIDE])
            path = Path(scratch) / f"{number:03d}-{name}.png"
            part.resize((3 * SIDE, 3 * SIDE), Image.Resampling.BICUBIC).save(path)
            if number < 3 * len(CLASSES):
                guidelines.add_example(project, name, path.name, path.read_bytes())
        import_source(project, Path(scratch))
    notebook = labeler.Project(project.folder)
    notebook.run_round()
    for number in range(52):
        (item,) = notebook.next_items("Kim")
        notebook.answer("Kim", item, item.source.rsplit("-", 1)[1].removesuffix(".png"), 2.0 + number % 5 / 4)
        if number % 25 == 24:
            notebook.run_round()


def letters(home: Path) -> None:
    """Korean customers' letters, some of which have been answered."""
    texts = [
        (about, sentence.format(p=name))
        for name in ("전기 주전자", "무선 청소기", "스탠드 조명")
        for about, (korean, _english) in LETTERS.items()
        for sentence in korean
    ]
    names = dict(zip(LETTERS, ("배송", "환불", "품질", "칭찬"), strict=True))
    config = Config("고객의 소리", tuple(names.values()), "text", learner=LearnerConfig(backbone="char_tfidf"))
    project = projects.create(home / "letters", config)
    with project.store() as store:
        store.items.add(
            [NewItem(f"{n:032x}", f"고객의 소리 {n + 2}행", text) for n, (_about, text) in enumerate(texts)]
        )
        store.holdout.draw()
    notebook = labeler.Project(project.folder)
    for number in range(9):
        (item,) = notebook.next_items("이수진")
        notebook.answer("이수진", item, names[texts[item.id - 1][0]], 2.0 + number % 5 / 4)


def take(page: Page, url: str, place: str, path: Path, prepare: Callable[[Page], object], **values: str) -> None:
    """One picture, with few colours so that it is small."""
    page.goto(f"{url}/{place}?{urlencode(values)}")
    settle(page)
    if place == "":
        page.locator(".stage[data-ready]").wait_for()
    prepare(page)
    page.wait_for_timeout(1500)
    page.mouse.move(0, 0)
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def with_guidelines(are_open: bool) -> Callable[[Page], object]:
    """Opens or closes the guidelines, which open by themselves on a first visit."""

    def prepare(page: Page) -> None:
        page.wait_for_timeout(1500)
        if page.get_by_role("complementary", name="Guidelines").is_visible() != are_open:
            page.keyboard.press("g")

    return prepare


def many_at_once(page: Page) -> None:
    with_guidelines(False)(page)
    page.get_by_role("button", name="Many at once").click()
    page.get_by_role("checkbox").first.wait_for()


def on_a_break(page: Page) -> None:
    with_guidelines(False)(page)
    page.get_by_role("button", name="Break").click()
    page.get_by_role("heading", name="Taking a break").wait_for()


def press(key: str) -> Callable[[Page], object]:
    return lambda page: page.keyboard.press(key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--home", type=Path, help="keep the projects in this folder, or take those that are there")
    values = parser.parse_args()
    out = values.out
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        home = values.home or Path(scratch) / "home"
        if not projects.in_home(home):
            tutorial(home)
            survey(home)
            letters(home)
            project = make(home / "digits", 14, modality="image")
            project.save(replace(project.config, name="Handwritten digits"))
        table = Path(scratch) / "complaints.csv"
        rows = [
            f"C-{n},{('Seoul', 'Busan')[n % 2]},The parcel came {n} days late and nobody called." for n in range(2, 60)
        ]
        table.write_text("number,site,what was said\n" + "\n".join(rows), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])

        def sized(width: int, height: int) -> Page:
            return browser.new_page(viewport={"width": width, "height": height}, locale="en-US")

        with app(home) as url:
            large, tall = sized(1280, 815), sized(1280, 1040)
            demo = {"project": "demo", "annotator": "you"}
            take(large, url, "", out / "tutorial_desk.png", settle, **demo)
            take(large, url, "", out / "tutorial_why.png", press("w"), **demo)
            take(tall, url, "progress", out / "progress.png", settle, **demo)
            lead = {"project": "digits", "annotator": "lead"}
            take(large, url, "review", out / "review.png", settle, **lead)
            kim = {"project": "survey", "annotator": "Kim"}
            take(large, url, "", out / "guidelines.png", with_guidelines(True), **kim)
            take(large, url, "", out / "desk.png", with_guidelines(False), **kim)
            take(large, url, "", out / "why.png", press("w"), **kim)
            take(large, url, "", out / "break.png", on_a_break, **kim)
            digits = projects.open_project(home / "demo")
            digits.save(replace(digits.config, labeling=replace(digits.config.labeling, grid=True)))
            take(large, url, "", out / "grid.png", many_at_once, **demo)
            phone = browser.new_page(viewport={"width": 390, "height": 844}, locale="ko-KR", color_scheme="dark")
            take(phone, url, "", out / "phone_ko.png", settle, project="letters", annotator="이수진", language="ko")
            if (home / "tutorial").exists():
                you = {"project": "tutorial", "annotator": "you"}
                take(tall, url, "progress", out / "tutorial_progress.png", settle, **you)
                take(tall, url, "progress", out / "tutorial_random.png", settle, **you, part="Against random")

            def choose_table(page: Page) -> None:
                page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(table)
                page.get_by_text("The first 5 rows").wait_for()
                settle(page)

            with app(Path(scratch) / "empty") as empty:
                take(tall, empty, "project", out / "create.png", choose_table, annotator="lead")
        browser.close()


if __name__ == "__main__":
    main()
