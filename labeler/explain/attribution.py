"""Attribution of a model's scores of one item: a map over an image for each class, or weights of a text's words.

The score of a class is its logit less the mean of all classes' logits, averaged over a model's heads and, by their
shares, over its networks. Attributions sum to the score less the score of a base, an input without content. They
are evidence of what moved the score, not of a cause.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from labeler.backbones import devices
from labeler.backbones.encoder import Encoder, Joined, Pretrained, collate, network_of, networks_of
from labeler.backbones.images import Slice
from labeler.backbones.network import Network
from labeler.backbones.texts import Tokens
from labeler.backbones.tfidf import CharTfidf
from labeler.core.errors import LabelerError
from labeler.core.inputs import ImageFile, Input
from labeler.core.rounds import Dataset
from labeler.explain.attention import of_patches, of_tokens
from labeler.explain.evidence import Evidence
from labeler.learner.estimators import Estimator
from labeler.learner.model import FineTuned, LinearHeads, Model, Normalizer

SHOWN = 3  # classes that are explained side by side
STEPS = (16, 64, 256)  # points on the path from the base to the item: more where fewer do not add up
MISSED = 0.05  # of the largest difference of scores: the most by which a sum may miss
SIDE = 16  # most places a side of an image's map
_BATCH = 8  # points in memory at a time


@dataclass(frozen=True)
class Part:
    """A network with its linear heads, and its share in the model's probabilities, 0 to 1."""

    share: float
    network: Network
    heads: LinearHeads


# For each target: the attribution to each place, token or character, and the score of the base.
Weights = tuple[np.ndarray, np.ndarray]

# The classes that are explained, and their rows in the heads.
Targets = tuple[np.ndarray, list[int]]


def explain(model: Model, encoder: Encoder, content: Input) -> Evidence:
    """The attribution of one image's or text's scores, for its `SHOWN` most probable classes.

    Of a stack it is that of one slice: among those that the model reads, the one that is by itself the most probable
    for the stack's most probable class.

    Raises: LabelerError: the image cannot be read, or the backbone cannot be looked into.
    """
    if isinstance(model, Estimator):
        raise LabelerError(
            "The head {name} cannot be looked into, since it is not linear; a local explanation tries it from outside.",
            name=model.head.name,
        )
    if isinstance(encoder, Joined):
        if isinstance(content, str):
            return _of_words_and_characters(model, encoder, content)
        return _of_places_together(model, encoder, content)
    if isinstance(encoder, CharTfidf):
        return _of_characters(cast(LinearHeads, model), encoder, str(content))
    if not isinstance(encoder, Pretrained):
        raise _closed(encoder)
    parts = parts_of(model, encoder)
    return _of_words(parts, encoder, content) if isinstance(content, str) else _of_places(parts, encoder, content)


def parts_of(model: Model, encoder: Pretrained) -> list[Part]:
    """The networks that a model makes of an encoder, on torch's device: as it is, and as it was fine-tuned."""
    frozen = devices.here(encoder.network)
    if not isinstance(model, FineTuned):
        return [Part(1.0, frozen, cast(LinearHeads, model))]
    tuned = {network.encoder.key: network for network in model.networks}
    if encoder.key not in tuned:
        return [Part(1.0, frozen, _mean_heads(model))]
    both = [
        Part(model.share, tuned[encoder.key].network, model.head),
        Part(1 - model.share, frozen, model.frozen),
    ]
    return [part for part in both if part.share > 0]


def centred(heads: LinearHeads) -> tuple[np.ndarray, np.ndarray]:
    """The heads' mean weight (c, d) and bias (c,), less the mean of all classes, which moves no probability.

    Where an item has several classes there is no such mean: the logit of each moves its own probability.
    """
    weight, bias = heads.weight.mean(axis=0), heads.bias.mean(axis=0)
    if heads.several:
        return weight, bias
    return weight - weight.mean(axis=0), bias - bias.mean()


def scores(heads: LinearHeads, features: Tensor) -> Tensor:
    """(n, c) scores of raw features (n, d), in torch, so that they have a gradient."""
    moved = features.float() - torch.from_numpy(heads.normalizer.mean).to(features.device)
    normal = torch.cat([functional.normalize(moved[:, columns], dim=1) for columns in heads.normalizer.layers()], 1)
    weight, bias = (torch.from_numpy(array).to(normal) for array in centred(heads))
    return functional.linear(normal, weight, bias)


def integrated_gradients(
    score: Callable[[Tensor], Tensor], x: Tensor, base: Tensor, targets: Sequence[int], steps: Sequence[int] = STEPS
) -> Tensor:
    """(k, …) how much each number in `x` moved each target's score away from that of `base`.

    They sum to score(x) − score(base), up to the error of numerical integration. The score of a deep network may bend
    sharply on the way; then more points are taken.

    Args:   score: (n, …) to (n, c). x, base: (1, …). targets: k columns of the score. steps: numbers of points, each
            tried only if the one before misses by more than `MISSED`.
    Source: Sundararajan, Taly and Yan 2017, section 3; the integral by Gauss-Legendre quadrature.
    """
    with torch.no_grad():
        whole = (score(x) - score(base))[0, list(targets)]
    total = torch.zeros(len(targets), *x.shape[1:])
    for count in steps:
        total = _integral(score, x, base, targets, count)
        if (total.flatten(1).sum(1) - whole).abs().max() <= MISSED * whole.abs().max():
            break
    return total


def _integral(score: Callable[[Tensor], Tensor], x: Tensor, base: Tensor, targets: Sequence[int], steps: int) -> Tensor:
    points, widths = np.polynomial.legendre.leggauss(steps)
    total = torch.zeros(len(targets), *x.shape[1:], device=x.device)
    for start in range(0, steps, _BATCH):
        rows, shape = slice(start, start + _BATCH), (-1, *[1] * (x.ndim - 1))
        share, width = (torch.from_numpy(array[rows] / 2).to(x).view(shape) for array in (points + 1, widths))
        way = (base + share * (x - base)).requires_grad_()
        reached = score(way)
        for place, target in enumerate(targets):
            last = place + 1 == len(targets)
            (slope,) = torch.autograd.grad(reached[:, target].sum(), way, retain_graph=not last)
            total[place] += (width * slope).sum(0)
    return total * (x - base)[0]


# ---------------------------------------------------------------- images


def _of_places(
    parts: Sequence[Part], encoder: Pretrained, image: ImageFile | Slice, most_probable: Targets | None = None
) -> Evidence:
    """The maps of a network.

    Args: most_probable: what is explained, where that does not follow from the network alone.
    """
    pictures, _counts = encoder.slices([image])
    (pixels,) = devices.to_device(collate(encoder.prepare(pictures)))
    weigh = lambda part, targets, row: class_maps(part, pixels[row, None], targets)  # noqa: E731
    evidence, row = _evidence(parts, (pixels,), weigh, most_probable=most_probable)
    attention = _attention(parts, lambda network: of_patches(network, pixels[row, None]))
    return replace(evidence, attention=attention, slice=pictures[row].place if len(pictures) > 1 else None)


def class_maps(part: Part, pixels: Tensor, targets: Sequence[int]) -> Weights:
    """(k, h, w) of how much each place of an image moved each target's score, and (k,) the score of the base.

    The features of a convolutional network are means over places, and the heads are linear, so the score is exactly a
    sum over the places of the last maps. For any other network, integrated gradients are computed: at the patches
    that enter a vision transformer's first block, else at the pixels.

    Args:   pixels: (1, 3, size, size) bytes.
    Source: Zhou et al. 2016, section 2 (class activation mapping), with each layer's centre and length.
    """
    stages, (weight, bias) = part.network.stages, centred(part.heads)
    with torch.no_grad():
        tapped = [output.float().cpu().numpy() for output in part.network.tapped(0, pixels)]
    if all(output.ndim == 4 for output in tapped):
        base = bias[list(targets)].astype(np.float64)
        finest = max(output.shape[2:] for output in tapped)
        maps = np.zeros((len(targets), *finest))
        for columns, (output,) in zip(part.heads.normalizer.layers(), tapped, strict=True):
            moved = output - part.heads.normalizer.mean[columns, None, None]
            length = max(float(np.linalg.norm(moved.mean((1, 2)))), 1e-12)
            own = np.einsum("kd,dhw->khw", weight[list(targets)][:, columns], moved)
            maps += _resized(own / length / own[0].size, finest)
        return maps, base
    with torch.no_grad():
        x = stages[0](pixels)
        base_x = torch.zeros_like(x)
        before = 2 if len(stages) > 2 else 1
        for stage in stages[1:before]:
            x, base_x = stage(x), stage(base_x)
    score = lambda x: scores(part.heads, part.network.tail(before, x))  # noqa: E731
    attribution = integrated_gradients(score, x, base_x, targets).cpu()
    with torch.no_grad():
        at_base = score(base_x)[0, list(targets)].cpu().numpy()
    return _places(attribution).numpy(), at_base


def _places(attribution: Tensor) -> Tensor:
    """(k, h, w) from attributions to a network's tokens (k, n, d) or its pixels (k, 3, height, width)."""
    if attribution.ndim == 4:
        height, width = (min(SIDE, side) for side in attribution.shape[2:])
        cell = attribution.shape[2] * attribution.shape[3] / (height * width)
        return functional.adaptive_avg_pool2d(attribution.sum(1), (height, width)) * cell
    side = math.isqrt(attribution.shape[1])  # a class token and perhaps registers precede the patches
    return attribution.sum(2)[:, -side * side :].unflatten(1, (side, side))


def _resized(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Maps (k, h, w) of another size, with the same sum."""
    if maps.shape[1:] == size:
        return maps
    larger = functional.interpolate(torch.from_numpy(maps)[None], size=size, mode="bilinear")[0].numpy()
    larger *= maps[0].size / larger[0].size
    return larger + ((maps.sum((1, 2)) - larger.sum((1, 2))) / larger[0].size)[:, None, None]


# ---------------------------------------------------------------- texts


def _of_words(parts: Sequence[Part], encoder: Pretrained, text: str, most_probable: Targets | None = None) -> Evidence:
    """Integrated gradients at the token embeddings, summed over the tokens of each word.

    The base is the same text with every word masked.

    Args: most_probable: what is explained, where that does not follow from the network alone.
    """
    tokens: object = encoder.prepare
    if not isinstance(tokens, Tokens) or any(len(part.network.stages) < 2 for part in parts):
        raise _closed(encoder)
    tokenizer = tokens.tokenizer
    mask = tokenizer.pad_token_id if tokenizer.mask_token_id is None else tokenizer.mask_token_id
    arrays = collate(encoder.prepare([text]))
    words = tokens.words(text)
    # special tokens stay, and what the encoder puts before every text
    kept = np.isin(arrays[0], tokenizer.all_special_ids) | np.array([word is None for word in words])
    masked = np.where(kept, arrays[0], mask)
    given, base = devices.to_device(arrays), devices.to_device((masked, *arrays[1:]))
    spans = tuple(dict.fromkeys(word for word in words if word))
    weigh = lambda part, targets, row: token_weights(part, given, base, targets)  # noqa: E731
    attribution, _row = _evidence(parts, given, weigh, spans, most_probable)
    of_word = np.array([[word == span for span in spans] for word in words], dtype=float)
    attention = _attention(parts, lambda network: of_tokens(network, given))
    if attention is not None:
        attention = attention @ of_word
    return replace(attribution, weights=attribution.weights @ of_word, attention=attention)


def token_weights(part: Part, given: Sequence[Tensor], base: Sequence[Tensor], targets: Sequence[int]) -> Weights:
    """(k, length) of how much each token moved each target's score, and (k,) the score of the base.

    Args: given, base: (1, length) token ids and attention mask, of the text and of the base.
    """
    embed = part.network.stages[0]
    with torch.no_grad():
        x, base_x = embed(*given), embed(*base)

    def score(x: Tensor) -> Tensor:
        return scores(part.heads, part.network.tail(1, x, *(tensor.expand(len(x), -1) for tensor in given[1:])))

    attribution = integrated_gradients(score, x, base_x, targets)
    with torch.no_grad():
        return attribution.sum(2).cpu().numpy(), score(base_x)[0, list(targets)].cpu().numpy()


def _of_characters(heads: LinearHeads, encoder: CharTfidf, text: str, most_probable: Targets | None = None) -> Evidence:
    """Each character's exact part in the score, since the score is linear in the counts of n-grams.

    Args: most_probable: what is explained, where that does not follow from the n-grams alone.
    """
    features = encoder.encode_characters(text)
    weight, bias = centred(heads)
    moved = features.sum(axis=0) - heads.normalizer.mean
    weight = weight / max(float(np.linalg.norm(moved)), 1e-12)
    proba = heads.of_features(features.sum(axis=0)[None]).mean(axis=0)[0]
    classes, targets = most_probable or _most_probable_classes(heads, proba)
    spans = tuple((place, place + 1) for place, letter in enumerate(text) if not letter.isspace())
    weights = weight[targets] @ features[[start for start, _ in spans]].T
    base = bias[targets] - weight[targets] @ heads.normalizer.mean
    return Evidence(classes, proba[classes], base + weights.sum(axis=1), base, weights, spans)


def _of_words_and_characters(model: Model, encoder: Joined, text: str) -> Evidence:
    """The sum of both attributions, of a network and of n-grams that one model reads side by side.

    A word has what the network gives it and what its characters have; characters outside of all words stand alone.

    Raises: LabelerError: other encoders are side by side.
    """
    network = network_of(encoder)
    others = [part for part in encoder.parts if part is not network]
    if network is None or not others or not all(isinstance(part, CharTfidf) for part in others):
        raise _closed(encoder)
    (ngrams,) = cast("list[CharTfidf]", others)
    joint = _Joint.of(model, encoder, text)
    words = _of_words(joint.of_network(network), network, text, joint.most_probable)
    letters = _of_characters(joint.beside(ngrams), ngrams, text, joint.most_probable)
    own, of_letters = words.spans or (), letters.spans or ()
    alone = [span for span in of_letters if not any(start <= span[0] < stop for start, stop in own)]
    spans = tuple(sorted({*own, *alone}))
    of_words = np.array([[span == other for other in spans] for span in own], dtype=float).reshape(-1, len(spans))
    within = np.array([[start <= at < stop for start, stop in spans] for at, _ in of_letters], dtype=float)
    weights = words.weights @ of_words + letters.weights @ within.reshape(-1, len(spans))
    score, base = words.score + letters.score, words.base + letters.base
    attention = None if words.attention is None else words.attention @ of_words
    return Evidence(joint.classes, joint.proba, score, base, weights, spans, attention=attention)


def _of_places_together(model: Model, encoder: Joined, image: ImageFile) -> Evidence:
    """The sum of the maps of networks that one model reads side by side; of a stack those of one slice.

    Raises: LabelerError: other encoders are side by side.
    """
    first, *others = networks = networks_of(encoder)
    if len(networks) < len(encoder.parts):
        raise _closed(encoder)
    joint = _Joint.of(model, encoder, image)
    total = _of_places(joint.of_network(first), first, image, joint.most_probable)
    picture = image if total.slice is None else first.slices([image])[0][_row_of(first, image, total.slice)]
    for network in others:
        parts = [replace(part, heads=_without_bias(part.heads)) for part in joint.of_network(network)]
        other = _of_places(parts, network, picture, joint.most_probable)
        size = total.weights.shape[1:]
        weights = total.weights + _resized(other.weights, size)
        total = replace(total, score=total.score + other.score, base=total.base + other.base, weights=weights)
    return replace(total, classes=joint.classes, proba=joint.proba, attention=None)


def _row_of(network: Pretrained, image: ImageFile, place: tuple[int, int]) -> int:
    """Which of the slices that are read has this place in the stack."""
    return next(row for row, picture in enumerate(network.slices([image])[0]) if picture.place == place)


def _closed(encoder: Encoder) -> LabelerError:
    return LabelerError(
        "Backbone {name} cannot be looked into; a local explanation tries it from outside.", name=encoder.name
    )


@dataclass(frozen=True)
class _Joint:
    """A model of encoders side by side, and what it says of one input.

    heads: the frozen heads; of a fine-tuned model all of its heads together, as they read the encoders that were not
    tuned. most_probable, proba: the classes that are explained.
    """

    model: Model
    encoder: Joined
    heads: LinearHeads
    most_probable: Targets
    proba: np.ndarray

    @classmethod
    def of(cls, model: Model, encoder: Joined, content: Input) -> Self:
        heads = _mean_heads(model) if isinstance(model, FineTuned) else cast(LinearHeads, model)
        dataset = Dataset([content], encoder.encode([content]), encoder.dims)
        proba = model.predict_proba(dataset, np.array([0]))[0]
        most_probable = _most_probable_classes(heads, proba)
        return cls(model, encoder, heads, most_probable, proba[most_probable[0]])

    @property
    def classes(self) -> np.ndarray:
        return self.most_probable[0]

    def of_network(self, network: Pretrained) -> list[Part]:
        """What the model makes of this network, fine-tuned and frozen, each with the heads that read it."""
        return [
            replace(part, heads=_of_columns(part.heads, self.encoder, network))
            for part in parts_of(self.model, network)
        ]

    def beside(self, part: Encoder) -> LinearHeads:
        """The heads as they read an encoder that is no network."""
        return _without_bias(_of_columns(self.heads, self.encoder, part))


def _mean_heads(model: FineTuned) -> LinearHeads:
    """One head whose scores of the encoders that were not tuned are those of the whole model."""
    weights = [heads.weight.mean(axis=0, keepdims=True) for heads in (model.frozen, model.head)]
    weight = (1 - model.share) * weights[0] + model.share * weights[1]
    return replace(model.frozen, weight=weight, bias=model.frozen.bias.mean(axis=0, keepdims=True))


def _without_bias(heads: LinearHeads) -> LinearHeads:
    """The heads of another encoder than the first: the bias is counted once."""
    return replace(heads, bias=np.zeros_like(heads.bias))


def _of_columns(heads: LinearHeads, encoder: Joined, part: Encoder) -> LinearHeads:
    """The part of the heads that reads one of the encoders."""
    columns = encoder.columns(part)
    normalizer = Normalizer(heads.normalizer.mean[columns], part.dims)
    return replace(heads, normalizer=normalizer, weight=heads.weight[:, :, columns])


# ---------------------------------------------------------------- of both


def _evidence(
    parts: Sequence[Part],
    given: Sequence[Tensor],
    weigh: Callable[[Part, Sequence[int], int], Weights],
    spans: tuple[tuple[int, int], ...] | None = None,
    most_probable: Targets | None = None,
) -> tuple[Evidence, int]:
    """The evidence of all parts of the model for one input, averaged by their shares; of a stack that of one slice.

    Args:    given: a batch of one, or the slices of a stack. weigh: called with the place of the input in the batch.
    Returns: the evidence, and the place of the slice in the batch; 0 without a stack.
    """
    with torch.no_grad():
        features = [part.network(*given).float().cpu() for part in parts]
    heads = [part.heads for part in parts]

    def proba_of(inputs: Sequence[Tensor]) -> np.ndarray:
        rows = [head.of_features(own.numpy()).mean(axis=0) for head, own in zip(heads, inputs, strict=True)]
        return _weighted_sum(parts, rows)

    proba = proba_of([own.mean(0, keepdim=True) for own in features])[0]
    classes, targets = most_probable or _most_probable_classes(heads[0], proba)
    row = int(proba_of(features)[:, classes[0]].argmax())
    score = _weighted_sum(parts, [scores(head, own)[row].numpy() for head, own in zip(heads, features, strict=True)])
    own, bases = zip(*(weigh(part, targets, row) for part in parts), strict=True)
    weights, base = _weighted_sum(parts, own), _weighted_sum(parts, bases)
    return Evidence(classes, proba[classes], score[targets], base, weights, spans), row


def _attention(parts: Sequence[Part], attend: Callable[[Network], np.ndarray | None]) -> np.ndarray | None:
    """The attention of all parts of the model, averaged by their shares; they are of one architecture."""
    shares = [own for part in parts if (own := attend(part.network)) is not None]
    return _weighted_sum(parts, shares) if len(shares) == len(parts) else None


def _weighted_sum(parts: Sequence[Part], values: Sequence[np.ndarray]) -> np.ndarray:
    return np.sum([part.share * value for part, value in zip(parts, values, strict=True)], axis=0)


def _most_probable_classes(heads: LinearHeads, proba: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The classes that are explained, the most probable first, and their rows in the heads."""
    order = np.argsort(-proba[heads.classes], kind="stable")[:SHOWN]
    return heads.classes[order], order.tolist()
