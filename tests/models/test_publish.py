"""A published model works without the labeler: the lines of its README say what the project's model says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from labeler.backbones import tfidf
from labeler.backbones.encoder import Joined, Pretrained
from labeler.core.errors import LabelerError
from labeler.core.rounds import Dataset
from labeler.core.settings import Config, LearnerConfig
from labeler.files.sources import SourceColumns
from labeler.jobs.rounds import work_once
from labeler.learner.model import FineTuned, LinearHeads, Normalizer, TunedNetwork
from labeler.learner.saved_models import load, save
from labeler.models.inference import best_model, predict_unseen
from labeler.models.publish import _module, _parts, publish
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.published_model import readme_answers
from tests.support.samples import reviews, text_config
from tests.support.tiny_networks import IMAGES, TEXTS, image_network, vision_transformer_folder
from tests.support.toy_network import without_export

pytestmark = pytest.mark.slow


def trained_on_texts(folder, backbone: str):
    project = projects.create(folder / "films", text_config(learner=LearnerConfig(backbone=backbone)))
    table = folder / "films.csv"
    pd.DataFrame(reviews(60), columns=["text", "label"]).to_csv(table, index=False)
    import_source(project, table, SourceColumns(text="text", label="label"))
    assert work_once(project)
    return project


MINILM = pytest.param("all-MiniLM-L6-v2", 2, marks=pytest.mark.thorough)


@pytest.mark.parametrize(("backbone", "ways"), [("char_tfidf", 1), MINILM])
def test_texts(tmp_path, backbone, ways):
    project = trained_on_texts(tmp_path, backbone)
    publish(project, tmp_path / "out")
    text = "a dull and  tedious film, 아주 지루하다"
    (tmp_path / "new.txt").write_text(text)
    expected = predict_unseen(project, [tmp_path / "new.txt"])
    answers = readme_answers(tmp_path / "out", text)
    assert len(answers) == ways
    for label, proba in answers:
        assert label == expected.rows()[0]["label"]
        np.testing.assert_allclose(proba, expected.proba[0], atol=1e-4)
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert about["classes"] == ["good", "bad"]
    assert about["card"]["labels"] == 51


def trained_on_pictures(folder, backbone: str):
    """A project of red, green and blue pictures, none of them labeled green, and a blue picture."""
    for name, colour in (("red", (190, 0, 0)), ("blue", (0, 0, 190))):
        (folder / "train" / name).mkdir(parents=True)
        for i in range(12):
            noise = np.random.default_rng(i).integers(0, 60, (40, 30, 3))
            Image.fromarray((np.array(colour) + noise).astype(np.uint8)).save(folder / "train" / name / f"{i}.png")
    config = Config("Colours", ("red", "green", "blue"), learner=LearnerConfig(backbone=backbone, input_size=32))
    project = projects.create(folder / "colours", config)
    import_source(project, folder / "train")
    assert work_once(project)
    return project, folder / "train" / "blue" / "0.png"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Features come from torch: an export takes seconds, and publishing makes its own."""
    folder = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_export(monkeypatch)
        yield trained_on_pictures(folder, str(vision_transformer_folder(folder / "weights")))


@pytest.fixture(scope="module")
def pictures_of_the_default(tmp_path_factory):
    return trained_on_pictures(tmp_path_factory.mktemp("pictures"), LearnerConfig().backbone)


def check_images_by_a_frozen_model(project, picture, out):
    publish(project, out)
    expected = predict_unseen(project, [picture]).proba[0]
    answers = readme_answers(out, str(picture))
    assert len(answers) == 2  # ONNX Runtime and torch
    for label, proba in answers:
        assert label == "blue"
        assert proba[1] == 0  # no item is labeled green
        np.testing.assert_allclose(proba, expected, atol=1e-4)


@pytest.mark.thorough
def test_images_by_a_frozen_model(pictures, tmp_path):
    project, picture = pictures
    check_images_by_a_frozen_model(project, picture, tmp_path / "out")


@pytest.mark.thorough
def test_images_by_the_default_frozen_model(pictures_of_the_default, tmp_path):
    project, picture = pictures_of_the_default
    check_images_by_a_frozen_model(project, picture, tmp_path / "out")


@pytest.mark.thorough
def test_images_by_a_fine_tuned_model(pictures_of_the_default, tmp_path):
    """The last block's weights are changed by hand, as fine-tuning would change them."""
    project, picture = pictures_of_the_default
    best = best_model(project)
    weights, model, encoder = best.weights, best.model, best.encoder
    assert isinstance(encoder, Pretrained)
    assert isinstance(model, LinearHeads)
    cut = encoder.network.cut(1)
    trained = {id(p) for p in encoder.network.last(1)}
    tuned = {n: 1.05 * p.detach().numpy() for n, p in encoder.network.named_parameters() if id(p) in trained}
    kept = weights.read_bytes()
    first = replace(model, weight=model.weight[:1], bias=model.bias[:1])
    try:
        save(FineTuned(model, first, (TunedNetwork(encoder, cut, tuned),), 0.7), weights)
        assert isinstance(load(weights, encoder), FineTuned)
        publish(project, tmp_path / "out")
        expected = predict_unseen(project, [picture]).proba[0]
        answers = readme_answers(tmp_path / "out", str(picture))
        assert len(answers) == 2
        for _, proba in answers:
            np.testing.assert_allclose(proba, expected, atol=1e-4)
    finally:
        weights.write_bytes(kept)


def test_a_network_with_several_classes_an_item_says_yes_or_no_to_each(pictures):
    project, picture = pictures
    best = best_model(project)
    assert isinstance(best.encoder, Pretrained)
    assert isinstance(best.model, LinearHeads)
    several = replace(best.model, classes=np.arange(best.model.weight.shape[1]), n_classes=2, several=True)
    data = Dataset([picture], best.encoder.encode([picture]), best.encoder.dims)
    inputs = [torch.from_numpy(array[None].copy()) for array in best.encoder.prepare([picture])[0]]
    with torch.inference_mode():
        [proba] = _module(best.encoder, best.encoder, several)(*inputs).numpy()
    assert proba.sum() != pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(proba, several.predict_proba(data, np.array([0]))[0], atol=1e-4)


@pytest.mark.parametrize("ngrams_first", [False, True])
def test_a_network_beside_ngrams_takes_their_features_as_well(ngrams_first):
    texts = [text for text, _ in reviews(20)]
    ngrams = tfidf.fit(texts)
    encoder = Joined((ngrams, TEXTS) if ngrams_first else (TEXTS, ngrams))
    rng, width = np.random.default_rng(0), sum(encoder.dims)
    weight = rng.normal(size=(2, 2, width)).astype(np.float32)
    normalizer = Normalizer(np.zeros(width, dtype=np.float32), encoder.dims)
    heads = LinearHeads(normalizer, np.arange(2), 2, weight, np.zeros((2, 2), dtype=np.float32))
    inputs = [torch.from_numpy(array[None]) for array in TEXTS.prepare(texts[:1])[0]]
    beside = ngrams.encode(texts[:1])
    with torch.inference_mode():
        own = TEXTS.network(*inputs).numpy()
        [proba] = _module(encoder, TEXTS, heads)(*inputs, torch.from_numpy(beside)).numpy()
    features = np.concatenate([beside, own] if ngrams_first else [own, beside], axis=1)
    np.testing.assert_allclose(proba, heads.of_features(features).mean(axis=0)[0], atol=1e-5)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_networks_that_read_the_same_images_are_one_module(number, monkeypatch):
    without_export(monkeypatch)
    other = replace(IMAGES, name="other", key="other", build=lambda: image_network(5))
    encoder = Joined((IMAGES, other))
    rng, width = np.random.default_rng(0), sum(encoder.dims)
    normalizer = Normalizer(np.zeros(width, dtype=np.float32), encoder.dims)
    heads = LinearHeads(
        normalizer, np.arange(2), 2, rng.normal(size=(1, 2, width)).astype(np.float32), np.zeros((1, 2))
    )
    head = replace(heads, weight=heads.weight[:, ::-1])
    networks = []
    for part in (IMAGES, other)[:number]:
        last = {name: 1.5 * p.numpy() for name, p in part.network.named_parameters() if name.startswith("stages.3")}
        networks.append(TunedNetwork(part, 3, last, encoder.columns(part)))
    model = FineTuned(heads, head, tuple(networks), 0.5) if number else heads
    assert _parts(encoder) == (IMAGES, None)
    picture = Path("7.png")  # whose colours its name seeds
    [inputs] = IMAGES.prepare([picture])
    with torch.inference_mode():
        [proba] = _module(encoder, IMAGES, model)(*(torch.from_numpy(array[None].copy()) for array in inputs)).numpy()
    data = Dataset([picture], encoder.encode([picture]), encoder.dims)
    np.testing.assert_allclose(proba, model.predict_proba(data, np.array([0]))[0], atol=1e-4)


@pytest.mark.parametrize("beside", [False, True])
def test_a_fine_tuned_network_of_texts_is_one_module_beside_ngrams_too(beside, monkeypatch):
    without_export(monkeypatch)
    texts = [text for text, _ in reviews(20)]
    ngrams = tfidf.fit(texts)
    encoder = Joined((TEXTS, ngrams)) if beside else TEXTS
    rng, width = np.random.default_rng(0), sum(encoder.dims)
    normalizer = Normalizer(np.zeros(width, dtype=np.float32), encoder.dims)
    heads = LinearHeads(
        normalizer, np.arange(2), 2, rng.normal(size=(1, 2, width)).astype(np.float32), np.zeros((1, 2))
    )
    head = replace(heads, weight=heads.weight[:, ::-1])
    trained, cut = {id(p) for p in TEXTS.network.last(1)}, TEXTS.network.cut(1)
    tuned = {name: 1.2 * p.numpy() for name, p in TEXTS.network.named_parameters() if id(p) in trained}
    model = FineTuned(heads, head, (TunedNetwork(TEXTS, cut, tuned, slice(sum(TEXTS.dims))),), 0.5)
    inputs = [torch.from_numpy(array[None]) for array in TEXTS.prepare(texts[:1])[0]]
    inputs += [torch.from_numpy(ngrams.encode(texts[:1]))] if beside else []
    with torch.inference_mode():
        [proba] = _module(encoder, TEXTS, model)(*inputs).numpy()
    data = Dataset(texts[:1], encoder.encode(texts[:1]), encoder.dims)
    np.testing.assert_allclose(proba, model.predict_proba(data, np.array([0]))[0], atol=1e-4)


def test_of_two_networks_of_texts_side_by_side_no_model_is_published():
    with pytest.raises(LabelerError, match=r"tiny \+ tiny cannot be published"):
        _parts(Joined((TEXTS, TEXTS)))


def test_nothing_is_overwritten(pictures, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(LabelerError, match="is there already"):
        publish(pictures[0], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_fails_leaves_nothing_behind(pictures, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("labeler.models.publish._export", full)
    with pytest.raises(LabelerError, match="out cannot be written: No space left"):
        publish(pictures[0], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
