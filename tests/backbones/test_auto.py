"""What `auto` stands for: the strongest encoder on this machine, chosen once for a project."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from labeler.backbones.auto import FILE, Choice, content_of, readable, recorded, resolved, scripts, strongest
from labeler.backbones.catalogue import ENCODERS, JOINT, Content, strength
from labeler.backbones.choose import load_encoder
from labeler.backbones.weights import encoders_folder
from labeler.core.errors import BackboneError
from labeler.core.settings import LearnerConfig

ENGLISH = ["This is a warm and funny film, but not the best", "dull", "It was 10 out of 10, the best of the year!", ""]
KOREAN = ["생각보다 재밌게 잘 본 작품 ㅋㅋ", "스토리 0점 영화", "더 베스트 오브 더 신파 OST good"]
GERMAN = ["Ein warmer und lustiger Film, der mir sehr gefallen hat", "Langweilig", "Größe ist nicht alles"]
AUTO = LearnerConfig(backbone="auto")


def bring(*names: str) -> None:
    """Have encoders look as if they were fetched."""
    for name in names:
        (encoders_folder() / name).mkdir(parents=True)


@pytest.mark.parametrize(
    ("texts", "here", "expected"),
    [
        (ENGLISH, [], "all-MiniLM-L6-v2"),
        (ENGLISH, ["multilingual-e5-small"], "multilingual-e5-small"),
        (ENGLISH, ["multilingual-e5-small", "bge-small-en-v1.5"], "bge-small-en-v1.5"),
        (KOREAN, ["bge-small-en-v1.5"], "char_tfidf"),
        (KOREAN, ["multilingual-e5-small"], "multilingual-e5-small + char_tfidf"),
        (ENGLISH * 3 + KOREAN, ["bge-small-en-v1.5", "multilingual-e5-small"], "multilingual-e5-small"),
        (ENGLISH * 9 + KOREAN, [], "all-MiniLM-L6-v2"),
        (GERMAN, ["multilingual-e5-small"], "multilingual-e5-small"),
        (GERMAN, [], "all-MiniLM-L6-v2"),
    ],
)
def test_texts_get_the_strongest_encoder_of_their_language(texts: list[str], here: list[str], expected: str) -> None:
    bring(*here)
    assert strongest("text", texts).backbone == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (ENGLISH, {"all-MiniLM-L6-v2", "bge-small-en-v1.5", "multilingual-e5-small"}),
        (GERMAN, {"all-MiniLM-L6-v2", "bge-small-en-v1.5", "multilingual-e5-small"}),
        (KOREAN, {"multilingual-e5-small"}),
    ],
)
def test_encoders_that_can_read_the_texts_are_those_of_their_script(texts: list[str], expected: set[str]) -> None:
    bring("bge-small-en-v1.5", "multilingual-e5-small")
    always = {"char_tfidf", "multilingual-e5-small + char_tfidf"}
    assert set(readable("text", texts)) == expected | always


def test_images_get_the_strongest_encoder_that_is_here() -> None:
    assert strongest("image", ()).backbone == "tf_efficientnet_lite0"
    bring("tf_efficientnet_lite2")
    assert strongest("image", ()).backbone == "tf_efficientnet_lite0 + tf_efficientnet_lite2"


def test_the_order_has_names_that_there_are() -> None:
    for content in get_args(Content):
        for name in strength(content):
            assert all(part in ENCODERS or part == "char_tfidf" for part in name.split(JOINT))


@pytest.mark.parametrize(
    ("texts", "latin", "korean"),
    [(["Größe, naïve, Việt"], 1, 0), (["abc가나"], 0.6, 0.4), (["123 !?"], 0, 0), ([], 0, 0), (["日本 ab"], 0.5, 0)],
)
def test_scripts_are_shares_of_the_letters(texts: list[str], latin: float, korean: float) -> None:
    assert scripts(texts) == pytest.approx((latin, korean))


def test_a_long_list_is_judged_by_all_of_it() -> None:
    assert content_of("text", ["this is the end of it"] * 100 + ["한국어 문장입니다"] * 10_000) == "texts"


def test_the_choice_stays_when_a_stronger_encoder_comes(tmp_path: Path) -> None:
    assert load_encoder(AUTO, "text", ENGLISH, tmp_path).name == "all-MiniLM-L6-v2"
    before = recorded(tmp_path)
    assert before is not None
    assert str(before.why()) == "Encoder: all-MiniLM-L6-v2, the strongest for English texts on this machine."
    bring("bge-small-en-v1.5")
    assert load_encoder(AUTO, "text", KOREAN, tmp_path).name == "all-MiniLM-L6-v2"
    choice = recorded(tmp_path)
    assert choice == Choice("all-MiniLM-L6-v2", "English", 1.0)
    assert "bge-small-en-v1.5 is stronger" in str(choice.stronger())
    assert "which was the strongest on this machine when it was chosen" in str(choice.why())


def test_a_project_without_texts_chooses_when_there_are_some(tmp_path: Path) -> None:
    resolved(AUTO, "text", [], tmp_path)
    assert recorded(tmp_path) is None


@pytest.mark.parametrize(
    ("modality", "texts", "former"),
    [("text", ENGLISH, "all-MiniLM-L6-v2"), ("text", KOREAN, "char_tfidf"), ("image", None, "tf_efficientnet_lite0")],
)
def test_a_project_of_the_version_before_keeps_its_encoder(modality, texts, former, tmp_path: Path) -> None:
    """Its features are there, and no file says which encoder was chosen."""
    encoder = load_encoder(replace(AUTO, backbone=former), modality, texts, tmp_path)
    (tmp_path / encoder.key).mkdir(exist_ok=True)
    assert not (tmp_path / FILE).exists()
    bring("bge-small-en-v1.5", "multilingual-e5-small", "tf_efficientnet_lite2")
    assert load_encoder(AUTO, modality, texts, tmp_path).key == encoder.key
    choice = recorded(tmp_path)
    assert choice is not None
    assert choice.former
    assert former in choice.why()


def test_an_encoder_that_is_gone_is_named_with_the_command_that_brings_it_back(tmp_path: Path) -> None:
    bring("bge-small-en-v1.5")
    assert strongest("text", ENGLISH).backbone == "bge-small-en-v1.5"
    resolved(AUTO, "text", ENGLISH, tmp_path)
    (encoders_folder() / "bge-small-en-v1.5").rmdir()
    with pytest.raises(BackboneError, match=r"run `python -m labeler models fetch bge-small-en-v1\.5`"):
        load_encoder(AUTO, "text", ENGLISH, tmp_path)


def test_a_setting_is_no_choice(tmp_path: Path) -> None:
    assert resolved(LearnerConfig(backbone="resnet50"), "image", None, tmp_path) is None
    assert list(tmp_path.iterdir()) == []
