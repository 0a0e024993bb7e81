"""Each line of the table in docs/formats.md, by a project that goes through each format; by Hypothesis, any project."""

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.core.errors import LabelerError
from labeler.core.items import ClassesAnItem, Modality
from labeler.formats.base import Fact, Name
from labeler.formats.recognise import FORMATS, check_fits, formats_for
from labeler.projects.labeled_items import description
from tests.support.tools import CLASSES, add_texts, everything, facts, kept, new_project, say, through

KINDS: list[tuple[Modality, ClassesAnItem]] = [("text", "one"), ("text", "several"), ("image", "one")]
READ: list[Name] = [name for name, format_ in FORMATS.items() if format_.read is not None]
NEEDED: dict[tuple[str, str], set[Fact]] = {
    ("text", "one"): {"texts"},
    ("text", "several"): {"texts", "several"},
    ("image", "one"): {"images"},
}
WAYS = [(name, *kind) for name, format_ in FORMATS.items() for kind in KINDS if NEEDED[kind] <= {*format_.keeps}]


@pytest.mark.parametrize(("name", "modality", "answers"), [way for way in WAYS if way[0] in READ])
def test_a_format_keeps_exactly_what_its_table_says(
    tmp_path: Path, name: Name, modality: Modality, answers: ClassesAnItem
) -> None:
    before, format_ = everything(tmp_path / "before", modality, answers), FORMATS[name]
    outcome = kept(before, through(before, tmp_path / "way", name))
    assert {fact for fact, same in outcome.items() if same} == {
        fact for fact in outcome if format_.keeps.get(fact) == "both"
    }


def test_a_folder_of_images_keeps_the_labeled_images(tmp_path: Path) -> None:
    before = everything(tmp_path / "before", "image")
    outcome, after = {}, facts(through(before, tmp_path / "way", "image-folder"))
    for fact, old in facts(before).items():
        outcome[fact] = old == after[fact]
    assert set(after["images"]) < set(facts(before)["images"])
    assert not outcome["unlabeled"]


@pytest.mark.parametrize(
    ("name", "modality", "answers"),
    [(name, *kind) for name in FORMATS for kind in KINDS if (name, *kind) not in WAYS],
)
def test_a_project_that_a_format_cannot_hold_is_refused(
    tmp_path: Path, name: Name, modality: Modality, answers: ClassesAnItem
) -> None:
    project = description(new_project(tmp_path / "p", modality, answers))
    fitting = formats_for(project)
    assert name not in fitting
    with pytest.raises(LabelerError, match=rf"cannot hold .* this project: {', '.join(fitting)}\."):
        check_fits(FORMATS[name], project)


NAMES = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8)
    .map(lambda name: unicodedata.normalize("NFC", name))  # as a log-in and an import take it
    .filter(lambda name: name.casefold() not in ("import", "system") and name == name.strip())
)
TEXTS = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() != "" and "\0" not in text)
CHOICES = st.lists(st.sampled_from(CLASSES), unique=True, max_size=3)
SAID = st.lists(
    st.tuples(st.integers(0, 5), NAMES, CHOICES, st.booleans(), st.none() | TEXTS, st.none() | st.floats(0, 1e4)),
    max_size=8,
    unique_by=lambda said: (said[0], said[1]),
)


@pytest.mark.parametrize("name", ["label-studio", "hugging-face", "prodigy", "argilla"])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=6), said=SAID, several=st.booleans())
def test_any_texts_and_answers_come_back(name: Name, texts: list[str], said: list[tuple], several: bool) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        before = new_project(Path(scratch) / "before", answers="several" if several else "one")
        ids = add_texts(before, [text.strip() for text in texts], {"site": "Seoul"})
        for place, annotator, classes, unsure, note, seconds in said:
            chosen = classes if several else (*classes, "good")[:1]
            say(before, annotator, ids[place % len(ids)], *chosen, unsure=unsure, note=note, seconds=seconds)
        after = through(before, Path(scratch) / "way", name)
        assert kept(before, after) == dict.fromkeys(kept(before, after), True)
