"""Which encoder the settings choose."""

from pathlib import Path

import pytest
import timm

from labeler.backbones.choose import load_encoder
from labeler.core.errors import BackboneError
from labeler.core.settings import LearnerConfig

ENGLISH = ["a warm and funny film", "dull", "It's 10 out of 10, the best of the year!", ""]
KOREAN = ["생각보다 재밌게 잘 본 작품 ㅋㅋ", "스토리 0점 영화", "더 베스트 오브 더 신파 OST good"]


def test_auto_is_what_is_installed_where_nothing_was_fetched(tmp_path: Path) -> None:
    auto = LearnerConfig(backbone="auto")
    assert load_encoder(auto, "text", ENGLISH, tmp_path / "english").name == "all-MiniLM-L6-v2"
    assert load_encoder(auto, "text", KOREAN, tmp_path / "korean").name == "char_tfidf"
    assert load_encoder(auto, "image", None, tmp_path / "images").name == "tf_efficientnet_lite0"


def test_the_default_encoders_keep_their_keys(tmp_path: Path) -> None:
    """What was embedded with them stays valid, and so do the models trained on it."""
    assert load_encoder(LearnerConfig(), "image", None, tmp_path / "images").key == "a8f870e6cfe8c5d7"
    assert load_encoder(LearnerConfig(), "text", ENGLISH, tmp_path / "texts").key == "54fc5990d73a0b90"


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
