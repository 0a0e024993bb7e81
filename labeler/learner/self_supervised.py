"""Self-supervised adaptation: pretraining of a backbone's last blocks goes on with a pool's inputs, without labels.

The objective is SimSiam for images (two views of an image have similar features) and masked words for texts.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from labeler.backbones import devices
from labeler.backbones.encoder import Arrays, Pretrained, collate
from labeler.backbones.network import Network, pool
from labeler.core.errors import BackboneError, TrainingError
from labeler.core.inputs import Input
from labeler.core.items import Progress
from labeler.core.processes import cores
from labeler.core.settings import FinetuneConfig
from labeler.learner import augment, loop

FEWEST = 32  # inputs; fewer bring no lasting gain
BATCH = 32
PASSES = 30  # over the inputs at most: the network would memorise a few inputs
LOOKS = 20  # how often the clock is read and progress is reported
OVERTIME = 1.25  # share of the allowed time after which training ends before its schedule does
RATE, HEAD_RATE = 1e-4, 1e-3
HEAD_FIRST = 0.2  # share of the steps in which only the new head is trained, so that its first errors change no block
LEVERS = FinetuneConfig(l2_sp=10.0)  # a strong pull to the pretrained weights, against forgetting in a long run

WIDTH, BOTTLENECK = 512, 128  # of SimSiam's projector and predictor: a quarter of the paper's, for small batches
MASKED = 0.15  # share of the words


@dataclass(frozen=True)
class Adapted:
    """The trained tensors by their names in the network, and how they came about.

    losses: the mean of the first and of the last twentieth of the steps.
    """

    tensors: dict[str, np.ndarray]
    objective: str
    steps: int
    seconds: float
    losses: tuple[float, float]


# Prepared inputs → their loss.
Objective = Callable[[Arrays], Tensor]
# Prepared inputs, as arrays or tensors, → the output of the network's last stage.
Last = Callable[[Sequence[np.ndarray | Tensor]], Tensor]


def adapt(
    encoder: Pretrained,
    inputs: Sequence[Input],
    seconds: float,
    seed: int = 0,
    blocks: int = 2,
    on_progress: Progress | None = None,
) -> Adapted:
    """The encoder's last blocks after training on the inputs alone; the encoder itself does not change.

    Args:    inputs: the pool's image paths or texts, none of the holdout's. seconds: the time that it may take, about.
             blocks: how many, counted from the output. on_progress: called with (step, steps).
    Raises:  TrainingError: too few inputs, or the training diverged. BackboneError: the network cannot be adapted.
             LabelerError: an image cannot be read.
    Source:  Gururangan et al. 2020 (going on with pretraining on the task's own data); Li et al. 2018 (L2-SP).
    """
    if len(inputs) < FEWEST:
        raise TrainingError(
            "{n} items in the pool are too few to adapt to: import {fewest} or more.", n=len(inputs), fewest=FEWEST
        )
    rng = np.random.default_rng(seed)
    network = devices.placed(copy.deepcopy(encoder.network))
    trained = {id(p): p.requires_grad_(True) for p in network.last(blocks)}
    last = _last_stages(encoder, network, blocks)
    with devices.seeded(seed), _one_core_left():
        if isinstance(inputs[0], str):
            objective, (head, loss_of) = "masked words", masked_words(encoder, network, last, rng)
        else:
            objective, (head, loss_of) = "SimSiam", same_image(encoder, last)
        head.to(devices.device())
        losses, read = list[Tensor](), _reader(encoder, inputs, rng)

        def loss(rows: np.ndarray) -> Tensor:
            batch_loss = loss_of(collate(read(rows)))
            losses.append(batch_loss.detach())  # nobody waits for the GPU to know it
            return batch_loss

        began = time.monotonic()
        step = _seconds_a_step(lambda: loss(rng.integers(len(inputs), size=BATCH)).backward())
        for p in [*trained.values(), *head.parameters()]:
            p.grad = None
        losses.clear()
        steps = int(max(1.0, min((seconds - (time.monotonic() - began)) / step, PASSES * len(inputs) / BATCH)))
        batches = _batches(len(inputs), steps, rng)
        new_layers = loop.Group(list(head.parameters()), HEAD_RATE)
        pretrained = loop.Group(list(trained.values()), RATE, HEAD_FIRST, pulled=True)
        total, report = batches.shape[0] * batches.shape[1], on_progress or (lambda done, total: None)
        report(0, total)

        def has_time(look: int) -> bool:
            report(len(losses), total)
            return time.monotonic() - began < OVERTIME * seconds

        loop.train([new_layers, pretrained], lambda look: list(batches[look - 1]), loss, len(batches), LEVERS, has_time)
    tensors = {name: p.detach().cpu().numpy() for name, p in network.named_parameters() if id(p) in trained}
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise TrainingError("The adaptation diverged, and nothing of it is kept: use the backbone as it is.")
    twentieth = max(1, len(losses) // 20)
    first, final = (float(torch.stack(part).mean()) for part in (losses[:twentieth], losses[-twentieth:]))
    return Adapted(tensors, objective, len(losses), time.monotonic() - began, (first, final))


def _reader(
    encoder: Pretrained, inputs: Sequence[Input], rng: np.random.Generator
) -> Callable[[np.ndarray], list[Arrays]]:
    """A function that prepares the inputs at some rows; of a stack a random slice."""
    pictures, slices = encoder.slices(inputs)
    starts = np.cumsum(slices) - slices

    def read(rows: np.ndarray) -> list[Arrays]:
        drawn = starts[rows] + (rng.integers(slices[rows]) if slices.max() > 1 else 0)
        return encoder.prepare([pictures[place] for place in drawn])

    return read


def _last_stages(encoder: Pretrained, network: Network, blocks: int) -> Last:
    """The network on prepared inputs. On a CPU the stages before the trained blocks run in ONNX Runtime."""
    # on a GPU the whole network runs faster than its activations could be copied there
    cut = network.cut(blocks) if devices.on_cpu() else 0
    first = encoder.first(cut)

    def last(arrays: Sequence[np.ndarray | Tensor]) -> Tensor:
        if cut:
            arrays = (first(*map(np.asarray, arrays)), *arrays[1:])
        x, *rest = devices.moved(tuple(map(torch.as_tensor, arrays)))
        with devices.autocast():
            for stage in network.stages[cut:]:
                x = stage(x, *rest)
        return x.float()

    return last


# ---------------------------------------------------------------- objectives


def same_image(encoder: Pretrained, last: Last) -> tuple[nn.Module, Objective]:
    """SimSiam's projector and predictor, and its loss: one view's features are predicted from another's.

    Views are crops in changed colours. None is mirrored, since left and right may matter.

    Source: Chen and He 2021, section 3.
    """
    width = encoder.dims[-1]
    projector = nn.Sequential(
        nn.Linear(width, WIDTH, bias=False),
        nn.BatchNorm1d(WIDTH),
        nn.ReLU(),
        nn.Linear(WIDTH, WIDTH, bias=False),
        nn.BatchNorm1d(WIDTH, affine=False),
    )
    predictor = nn.Sequential(
        nn.Linear(WIDTH, BOTTLENECK, bias=False),
        nn.BatchNorm1d(BOTTLENECK),
        nn.ReLU(),
        nn.Linear(BOTTLENECK, WIDTH),
    )

    def loss(arrays: Arrays) -> Tensor:
        (pixels,) = devices.to_device(arrays)
        views = torch.cat([augment.images(pixels, ("crop", "colour"), 1.0) for _ in range(2)])
        projected = projector(pool(last((views,))))
        first, second = predictor(projected).chunk(2)
        target, other = projected.detach().chunk(2)  # without this stop of the gradient all features would collapse
        crossed = functional.cosine_similarity(first, other) + functional.cosine_similarity(second, target)
        return -crossed.mean() / 2

    return nn.ModuleList([projector, predictor]), loss


def masked_words(
    encoder: Pretrained, network: Network, last: Last, rng: np.random.Generator
) -> tuple[nn.Module, Objective]:
    """The head of BERT's masked language model, and its loss: the masked words are predicted.

    The output layer is tied to the network's word embeddings.

    Raises: BackboneError: the network has no word embeddings, or its tokenizer no mask.
    Source: Devlin et al. 2019, section 3.1 (80% masked, 10% another word, 10% as they are).
    """
    tokenizer = getattr(encoder.prepare, "tokenizer", None)
    mask_id = getattr(tokenizer, "mask_token_id", None)
    tables = [module for module in network.modules() if isinstance(module, nn.Embedding)]
    if mask_id is None or not tables:
        raise BackboneError("backbone {name!r} knows no masked words: it cannot be adapted.", name=encoder.name)
    words = max(tables, key=lambda table: table.num_embeddings)
    special = np.array(tokenizer.all_special_ids)  # type: ignore[union-attr]
    linear = nn.Linear(encoder.dims[-1], words.embedding_dim)
    nn.init.eye_(linear.weight)  # so that the output layer starts from the words' own embeddings
    head = nn.Sequential(linear, nn.GELU(), nn.LayerNorm(words.embedding_dim))
    bias = nn.Parameter(torch.zeros(words.num_embeddings))
    head.register_parameter("bias", bias)

    def loss(arrays: Arrays) -> Tensor:
        ids, mask = arrays
        hidden = (rng.random(ids.shape) < MASKED) & (mask > 0) & ~np.isin(ids, special)
        if not hidden.any():
            hidden = mask > 0
        given, fate = ids.copy(), rng.random(ids.shape)
        given[hidden & (fate < 0.8)] = mask_id
        swapped = hidden & (fate >= 0.9)
        given[swapped] = rng.integers(words.num_embeddings, size=np.count_nonzero(swapped))
        rows, places, originals = devices.to_device((*np.nonzero(hidden), ids[hidden]))
        predicted = head(last((given, mask))[rows, places][:, -encoder.dims[-1] :])
        return functional.cross_entropy(functional.linear(predicted, words.weight, bias), originals)

    return head, loss


# ---------------------------------------------------------------- time and chance


def _batches(n: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """(looks, steps between two looks, BATCH) rows: pass after pass over all `n`, each in a random order."""
    stretch = math.ceil(steps / LOOKS)
    steps -= steps % stretch
    passes = [rng.permutation(n) for _ in range(steps * BATCH // n + 1)]
    return np.concatenate(passes)[: steps * BATCH].reshape(-1, stretch, BATCH)


def _seconds_a_step(step: Callable[[], object]) -> float:
    """How long a step takes: the median of three, after one to warm up."""
    seconds = []
    for _ in range(4):
        began = time.monotonic()
        step()
        devices.wait()
        seconds.append(time.monotonic() - began)
    return float(np.median(seconds[1:]))


@contextmanager
def _one_core_left() -> Iterator[None]:
    """A block in which torch computes on all cores but one.

    Rounds and the app need a core. If threads on all cores compete with them, they wait for each other so often that
    a step took eight times as long on two cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, cores() - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
