"""What moved a model's scores: worked out by hand, complete, and what matters is what is marked."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from labeler.backbones import devices, tfidf
from labeler.backbones.encoder import Joined, Pretrained
from labeler.backbones.images import read_image, slices, staged
from labeler.backbones.network import Network, Pixels
from labeler.backbones.texts import Tokens
from labeler.core.errors import LabelerError
from labeler.core.rounds import Dataset, Labels
from labeler.explain import lime
from labeler.explain.attribution import Part, class_maps, explain, integrated_gradients, scores
from labeler.learner.heads import fit_heads
from labeler.learner.model import FineTuned, LinearHeads, Normalizer, TunedNetwork
from labeler.learner.task import LearningTask
from tests.support.samples import BAD, GOOD, reviews
from tests.support.scan_files import write_dicom
from tests.support.tiny_networks import IMAGES, image_network, text_network
from tests.support.toy_network import without_export


def heads_on(dims: tuple[int, ...], classes: int = 3, seed: int = 0) -> LinearHeads:
    """Two heads with weights at random, for features of these layers."""
    rng = np.random.default_rng(seed)
    width = sum(dims)
    weight, bias = rng.normal(size=(2, classes, width)), rng.normal(size=(2, classes))
    normalizer = Normalizer(rng.normal(size=width).astype(np.float32), dims)
    return LinearHeads(normalizer, np.arange(classes), classes, weight.astype(np.float32), bias.astype(np.float32))


def sums(weights: np.ndarray) -> np.ndarray:
    return weights.reshape(len(weights), -1).sum(axis=1)


# ---------------------------------------------------------------- the maths


def test_integrated_gradients_worked_out_by_hand():
    """Of x · y each factor has half; of 2 x all is x's."""
    x, base = torch.tensor([[2.0, 3.0]]), torch.zeros(1, 2)
    gradients = integrated_gradients(lambda at: torch.stack([at.prod(dim=1), 2 * at[:, 0]], dim=1), x, base, [1, 0])
    np.testing.assert_allclose(gradients.numpy(), [[4, 0], [3, 3]], atol=1e-5)


def test_more_points_are_taken_where_the_score_bends():
    """A step of the logistic function that the points of 16 straddle: its integral is 1."""
    x, base = torch.tensor([[1.0]]), torch.zeros(1, 1)
    bend = lambda at: torch.sigmoid(400 * (at - 0.53))  # noqa: E731
    few = integrated_gradients(bend, x, base, [0], steps=(16,))
    assert abs(float(few) - 1) > 0.5
    np.testing.assert_allclose(integrated_gradients(bend, x, base, [0]).numpy(), [[1.0]], atol=0.05)


def test_scores_move_with_the_log_of_the_probabilities():
    """With one head the difference of two classes' scores is that of their log probabilities."""
    heads = heads_on((4, 3))
    single_head = replace(heads, weight=heads.weight[:1], bias=heads.bias[:1])
    features = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    moved = scores(single_head, torch.from_numpy(features)).numpy()
    log = np.log(single_head.of_features(features)[0])
    np.testing.assert_allclose(moved, log - log.mean(axis=1, keepdims=True), atol=1e-5)


def test_of_several_classes_each_score_is_the_log_odds_of_its_own_class():
    single_head = heads_on((4, 3))
    single_head = replace(single_head, weight=single_head.weight[:1], bias=single_head.bias[:1], several=True)
    features = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    proba = single_head.of_features(features)[0]
    np.testing.assert_allclose(
        scores(single_head, torch.from_numpy(features)).numpy(), np.log(proba / (1 - proba)), rtol=1e-4, atol=1e-4
    )


def test_a_map_worked_out_by_hand():
    """Two pixels of one layer: the mean is (3, 4), of length 5; each place adds weight · pixel / 5 / 2."""
    network = Network([Pixels((0.0,) * 3, (1 / 255,) * 3), torch.nn.Identity()], taps=[1])
    pixels = torch.tensor([[[[6, 0]], [[0, 8]], [[0, 0]]]], dtype=torch.uint8)
    weight = np.array([[[1, 0, 0], [-1, 0, 0]]], dtype=np.float32)  # sums to 0 over the classes: centred already
    heads = LinearHeads(
        Normalizer(np.zeros(3, np.float32), (3,)), np.arange(2), 2, weight, np.array([[0.5, -0.5]], np.float32)
    )
    maps, base = class_maps(Part(1.0, network, heads), pixels, [1, 0])
    np.testing.assert_allclose(maps, [[[-0.6, 0]], [[0.6, 0]]], atol=1e-6)
    np.testing.assert_allclose(base, [-0.5, 0.5])


# ---------------------------------------------------------------- images


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(3).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "7.png")
    return tmp_path / "7.png"


def test_the_maps_of_a_convolutional_network_sum_to_its_scores(picture):
    explanation = explain(heads_on(IMAGES.dims), IMAGES, picture)
    assert explanation.weights.shape == (3, 3, 3)  # as fine as the finest layer that is read
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=1e-5)
    assert list(explanation.proba) == sorted(explanation.proba, reverse=True)
    assert explanation.proba.sum() == pytest.approx(1)


def test_of_a_stack_the_slice_that_speaks_most_for_its_class_is_explained(tmp_path, monkeypatch):
    without_export(monkeypatch)
    monkeypatch.setattr(lime, "TRIES", 20)
    values = np.random.default_rng(3).integers(0, 256, (20, 16, 16), dtype=np.uint8)
    path = write_dicom(tmp_path / "a.dcm", values)
    encoder, heads = replace(of_images(image_network()), views=slices), heads_on(IMAGES.dims)
    pictures: list[Any] = [*slices(path)]
    dataset = Dataset([path, *pictures], encoder.encode([path, *pictures]), encoder.dims)
    whole, *alone = heads.predict_proba(dataset, np.arange(len(dataset)))
    explanation = explain(heads, encoder, path)
    np.testing.assert_allclose(explanation.proba, np.sort(whole)[::-1], atol=1e-5)
    telling = pictures[int(np.argmax([proba[whole.argmax()] for proba in alone]))]
    assert explanation.slice == (telling.number + 1, 20)
    own = explain(heads, encoder, telling)
    order = [list(own.classes).index(c) for c in explanation.classes]
    np.testing.assert_allclose(explanation.weights, own.weights[order], atol=1e-5)
    local = lime.explain_locally(heads, encoder, path)
    assert local.slice == explanation.slice
    np.testing.assert_allclose(local.proba, np.sort(alone[pictures.index(telling)])[::-1], atol=0.05)


def tuned_network(encoder: Pretrained, columns: slice = slice(None)) -> TunedNetwork:
    """An image network whose last stage has other weights."""
    last = {name: 1.5 * p.numpy() for name, p in encoder.network.named_parameters() if name.startswith("stages.3")}
    return TunedNetwork(encoder, 3, last, columns)


@pytest.mark.slow
def test_both_networks_of_a_fine_tuned_model_contribute(picture):
    frozen, head = heads_on(IMAGES.dims), heads_on(IMAGES.dims, seed=1)
    model = FineTuned(frozen, head, (tuned_network(IMAGES),), share=0.25)
    explanation = explain(model, IMAGES, picture)
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=1e-5)
    dataset = Dataset([picture], IMAGES.encode([picture]), IMAGES.dims)
    proba = model.predict_proba(dataset, np.array([0]))[0]
    np.testing.assert_allclose(explanation.proba, proba[explanation.classes], atol=1e-3)
    alone = explain(frozen, IMAGES, picture)
    order = [list(alone.classes).index(c) for c in explanation.classes]
    of_head = explain(replace(model, share=1.0), IMAGES, picture)
    other = [list(of_head.classes).index(c) for c in explanation.classes]
    mixed = 0.75 * alone.weights[order] + 0.25 * of_head.weights[other]
    np.testing.assert_allclose(explanation.weights, mixed, atol=1e-5)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_networks_side_by_side_contribute_to_one_map(picture, monkeypatch, number):
    without_export(monkeypatch)
    other = replace(IMAGES, name="other", key="other", build=lambda: image_network(5))
    encoder = Joined((IMAGES, other))
    frozen = heads_on(encoder.dims)
    head = replace(heads_on(encoder.dims, seed=1), normalizer=frozen.normalizer)
    networks = tuple(tuned_network(part, encoder.columns(part)) for part in (IMAGES, other)[:number])
    model = FineTuned(frozen, head, networks, 0.25) if number else frozen
    explanation = explain(model, encoder, picture)
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=1e-5)
    dataset = Dataset([picture], encoder.encode([picture]), encoder.dims)
    proba = model.predict_proba(dataset, np.array([0]))[0]
    np.testing.assert_allclose(explanation.proba, proba[explanation.classes], atol=1e-3)
    if not number:
        whole = scores(frozen, torch.from_numpy(dataset.embeddings))[0].numpy()
        np.testing.assert_allclose(explanation.score, whole[explanation.classes], atol=1e-4)


def of_images(network: Network) -> Pretrained:
    example = (np.zeros((2, 3, 16, 16), dtype=np.uint8),)

    def prepare(paths: Sequence[Path]) -> list[tuple[np.ndarray, ...]]:
        return [(read_image(path, 16),) for path in paths]

    return Pretrained("tiny", "tiny-3", network.dims(example), lambda: network, prepare, example)


def test_a_vision_transformer_has_a_place_for_each_patch(picture):
    from timm.models import VisionTransformer

    with devices.seeded(0):
        model = VisionTransformer(img_size=16, patch_size=4, embed_dim=16, depth=3, num_heads=2, num_classes=0)
    encoder = of_images(staged(model.eval()))
    explanation = explain(heads_on(encoder.dims), encoder, picture)
    assert explanation.weights.shape == (3, 4, 4)
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=1e-3)


def test_a_network_without_known_parts_is_explained_at_its_pixels(picture):
    whole = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 5), torch.nn.Tanh())
    encoder = of_images(Network([Pixels((0.5,) * 3, (0.5,) * 3), whole], taps=[1]))
    explanation = explain(heads_on(encoder.dims), encoder, picture)
    assert explanation.weights.shape == (3, 16, 16)
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=0.02)


# ---------------------------------------------------------------- texts


@pytest.fixture(scope="module")
def words_encoder(tmp_path_factory) -> Pretrained:
    return encoder_of_words(tmp_path_factory.mktemp("tokenizer"))


def encoder_of_words(folder: Path) -> Pretrained:
    """A tiny network on whole words, with a real tokenizer that is stored in the folder."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["[PAD]", "[MASK]", "[CLS]", "[SEP]", "[UNK]", "a", "and", "film", ",", "number", *GOOD, *BAD]
    tokenizer = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"pad": "[PAD]", "mask": "[MASK]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, **{f"{kind}_token": name for kind, name in special.items()}
    )
    fast.save_pretrained(folder)
    example = (np.ones((2, 6), dtype=np.int64),) * 2
    return Pretrained("tiny", "tiny-words", (16, 16), text_network, Tokens(str(folder)), example, 2)


def features(encoder: Pretrained, texts: list[str]) -> np.ndarray:
    with torch.inference_mode():
        rows = [encoder.network(*(torch.from_numpy(array)[None] for array in item)) for item in encoder.prepare(texts)]
    return torch.cat(rows).numpy()


def learned(encoder, embeddings: np.ndarray, targets: np.ndarray, texts: list[str]) -> LinearHeads:
    dataset = Dataset(texts, embeddings, encoder.dims)
    labels = Labels(np.arange(len(texts)), targets)
    return fit_heads(LearningTask.of(dataset, labels, 2))


TEXTS = [text for text, _ in reviews(80)]
TARGETS = np.array([label == "bad" for _, label in reviews(80)]).astype(int)


PHRASE = "a superb,  witty film and awful"
WORDS = ["a", "superb", ",", "witty", "film", "and", "awful"]


def test_the_weights_of_words_sum_to_the_scores(words_encoder):
    explanation = explain(heads_on((16, 16)), words_encoder, PHRASE)
    assert [PHRASE[start:stop] for start, stop in explanation.spans] == WORDS
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=0.02)


def test_a_word_has_what_the_network_and_its_characters_give_it(words_encoder, monkeypatch):
    without_export(monkeypatch)
    ngrams = tfidf.fit(TEXTS)
    encoder = Joined((words_encoder, ngrams))
    heads = heads_on(encoder.dims)
    explanation = explain(heads, encoder, PHRASE)
    assert [PHRASE[start:stop] for start, stop in explanation.spans] == WORDS
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=0.05)
    both = scores(heads, torch.from_numpy(encoder.encode([PHRASE])))[0].numpy()
    np.testing.assert_allclose(explanation.score, both[explanation.classes], atol=1e-4)


@pytest.mark.parametrize("beside", [False, True])
def test_a_fine_tuned_network_of_texts_is_looked_into_beside_characters_too(tmp_path, monkeypatch, beside):
    """As multilingual-e5-small is, and bge-small, which reads the first token."""
    without_export(monkeypatch)
    words_encoder = encoder_of_words(tmp_path)
    words_encoder.network.pooling = "mean" if beside else "first"
    encoder = Joined((words_encoder, tfidf.fit(TEXTS))) if beside else words_encoder
    network = words_encoder.network
    trained, cut = {id(p) for p in network.last(1)}, network.cut(1)
    tuned = {name: 1.2 * p.detach().numpy() for name, p in network.named_parameters() if id(p) in trained}
    heads = heads_on(encoder.dims)
    head = replace(heads_on(encoder.dims, seed=1), normalizer=heads.normalizer)
    of_words = TunedNetwork(words_encoder, cut, tuned, slice(sum(words_encoder.dims)))
    model = FineTuned(heads, head, (of_words,), 0.5)
    explanation = explain(model, encoder, PHRASE)
    np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=0.05)
    dataset = Dataset([PHRASE], encoder.encode([PHRASE]), encoder.dims)
    proba = model.predict_proba(dataset, np.array([0]))[0]
    np.testing.assert_allclose(explanation.proba, proba[explanation.classes], atol=1e-3)


def test_encoders_that_are_no_network_beside_characters_are_not_looked_into(words_encoder):
    with pytest.raises(LabelerError, match=r"tiny \+ tiny cannot be looked into"):
        explain(heads_on((16,) * 4), Joined((words_encoder, words_encoder)), "a film")


def deletion(texts: list[str], explained, proba) -> tuple[float, float]:
    """How much the first class's probability falls, on average, without its two best parts, and without two others."""
    rng, fell = np.random.default_rng(0), []
    for text in texts:
        evidence = explained(text)
        order = np.argsort(-evidence.weights[0])
        others = rng.permutation(order[2:])[:2]
        for gone in (order[:2], others):
            spans = [evidence.spans[place] for place in gone]
            rest = "".join(c for i, c in enumerate(text) if not any(a <= i < b for a, b in spans))
            fell.append(evidence.proba[0] - proba(rest)[evidence.classes[0]])
    return tuple(np.reshape(fell, (-1, 2)).mean(axis=0))


def test_without_the_words_that_spoke_for_a_class_it_is_less_probable(words_encoder):
    heads = learned(words_encoder, features(words_encoder, TEXTS), TARGETS, TEXTS)
    best, others = deletion(
        TEXTS[:20],
        lambda text: explain(heads, words_encoder, text),
        lambda text: heads.of_features(features(words_encoder, [text])).mean(axis=0)[0],
    )
    assert best > others + 0.02


def test_attributions_to_characters_sum_exactly_to_the_score():
    encoder = tfidf.fit([*TEXTS, "배송이 늦어서 İstanbul ΟΔΟΣ 😀 film"])
    heads = learned(encoder, encoder.encode(TEXTS), TARGETS, TEXTS)
    for text in (TEXTS[3], "배송이  늦어서 İstanbul ΟΔΟΣ 😀 film", "?"):
        explanation = explain(heads, encoder, text)
        np.testing.assert_allclose(encoder.encode_characters(text).sum(axis=0), encoder.encode([text])[0], atol=1e-5)
        at = scores(heads, torch.from_numpy(encoder.encode([text])))[0].numpy()
        np.testing.assert_allclose(explanation.score, at[explanation.classes], atol=1e-5)
        np.testing.assert_allclose(sums(explanation.weights), explanation.score - explanation.base, atol=1e-5)
        assert "".join(text[start:stop] for start, stop in explanation.spans) == "".join(text.split())

    best, others = deletion(
        TEXTS[:20],
        lambda text: explain(heads, encoder, text),
        lambda text: heads.of_features(encoder.encode([text])).mean(axis=0)[0],
    )
    assert best > others


@pytest.mark.parametrize("stages", [1, 3])
def test_a_backbone_that_cannot_be_explained_is_refused(stages):
    whole = Network([torch.nn.Embedding(9, 4) for _ in range(stages)], taps=[stages - 1])
    encoder = Pretrained("odd", "odd-1", (4,), lambda: whole, lambda texts: [], (np.ones((2, 2)),), 2)
    other = SimpleNamespace(name="odd", dims=(4,))
    for opaque in (encoder, other):
        with pytest.raises(LabelerError, match="odd cannot be looked into"):
            explain(heads_on((4,)), opaque, "a text")
