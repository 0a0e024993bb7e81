"""Which encoder the settings choose."""

from pathlib import Path

import pytest
import timm

from labeler.backbones.choose import load_encoder, mostly_latin
from labeler.core.errors import BackboneError
from labeler.core.settings import LearnerConfig

ENGLISH = ["a warm and funny film", "dull", "It's 10 out of 10, the best of the year!", ""]
KOREAN = ["생각보다 재밌게 잘 본 작품 ㅋㅋ", "스토리 0점 영화", "더 베스트 오브 더 신파 OST good"]


def test_auto_reads_latin_script_with_minilm_and_any_other_by_its_characters(tmp_path: Path) -> None:
    auto = LearnerConfig(backbone="auto")
    assert load_encoder(auto, "text", ENGLISH, tmp_path).name == "all-MiniLM-L6-v2"
    assert load_encoder(auto, "text", KOREAN, tmp_path).name == "char_tfidf"
    assert load_encoder(auto, "image", None, tmp_path).name == "tf_efficientnet_lite0"


@pytest.mark.parametrize(
    ("texts", "latin"),
    [
        (ENGLISH, True),
        (KOREAN, False),
        (["Größe, naïve, Việt"], True),
        (["abc가나"], True),
        (["ab가나"], False),
        (["123 !?"], False),
        ([], False),
    ],
)
def test_latin_is_a_matter_of_the_letters(texts: list[str], latin: bool) -> None:
    assert mostly_latin(texts) is latin


def test_a_long_list_is_judged_by_all_of_it() -> None:
    assert not mostly_latin(["english"] * 100 + ["한국어 문장입니다"] * 10_000)


def test_the_default_encoders_keep_their_keys(tmp_path: Path) -> None:
    """What was embedded with them stays valid, and so do the models trained on it."""
    assert load_encoder(LearnerConfig(), "image", None, tmp_path).key == "a8f870e6cfe8c5d7"
    assert load_encoder(LearnerConfig(), "text", ENGLISH, tmp_path).key == "54fc5990d73a0b90"


def test_a_misspelt_image_backbone_is_answered_with_names_near_it(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"no image backbone 'resnet5O'.*'resnet50'"):
        load_encoder(LearnerConfig(backbone="resnet5O"), "image", None, tmp_path)


def test_a_relative_path_of_weights_begins_at_the_project(tmp_path: Path) -> None:
    model = timm.create_model("resnet10t", num_classes=3)
    timm.models.save_for_hf(model, str(tmp_path / "weights" / "mine"), safe_serialization=True)
    learner = LearnerConfig(backbone="weights/mine", input_size=32)
    encoder = load_encoder(learner, "image", None, tmp_path / "embeddings")
    assert encoder.name == "weights/mine"
    assert encoder.dims == (256, 512)
    with pytest.raises(BackboneError, match=r"there is no folder .*embeddings/weights/mine"):
        load_encoder(LearnerConfig(backbone="./weights/mine"), "image", None, tmp_path / "embeddings" / "deeper")
