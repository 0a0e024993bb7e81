"""Labeled inputs, ready to be trained on: what the frozen stages make of them is computed once."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from labeler.backbones import devices
from labeler.backbones.encoder import Arrays, Pretrained, collate
from labeler.backbones.onnx import LENGTHS
from labeler.core.inputs import Input
from labeler.core.settings import FinetuneConfig
from labeler.learner import augment

VIEWS = 4  # augmented views of each image, computed once where computing them in every epoch would take too long
STACK_VIEWS = 2  # of each slice of a stack
ROOM = 0.25  # share of a GPU's free memory that the inputs, or what is made of them, may fill
_PREPARED = 1024  # images that are in memory before the frozen stages


class Views:
    """The labeled inputs, or slices of stacks, after the frozen stages; augmented images in several views.

    The first view is the input as it is. On a GPU everything stays in its memory, if there is room.

    cut: the stages that were run. number: of views. slices: (n,) how many an item has. starts: (n,) where an item's
    slices begin in a view. lengths: (n,) of each item's first array.
    """

    def __init__(self, encoder: Pretrained, inputs: Sequence[Input], unfrozen: int, levers: FinetuneConfig) -> None:
        """
        Args:   inputs: n image paths or texts. unfrozen: how many blocks are trained.
        Raises: LabelerError: an image cannot be read.
        """
        self.cut = encoder.network.cut(unfrozen)
        pictures, self.slices = encoder.slices(inputs)
        self.starts = np.cumsum(self.slices) - self.slices
        self._augmented = bool(levers.augment) and not isinstance(inputs[0], str)
        wanted = VIEWS if len(pictures) == len(inputs) else STACK_VIEWS
        self._source: _InMemory | _OnDevice
        if devices.on_cpu():
            if self._augmented and self.cut:
                self._source = _InMemory(_augmented(encoder, pictures, self.cut, levers, wanted))
            else:
                self._source = _InMemory([encoder.activations(pictures, self.cut)])
        else:
            self._source, self.cut = self._on_gpu(encoder, pictures, wanted, levers)
        self.number = self._source.number
        self.lengths = self._source.lengths[self.starts]

    def batch(
        self, views: np.ndarray, places: np.ndarray, levers: FinetuneConfig, training: bool
    ) -> tuple[Tensor, ...]:
        """On the device, the slices at these places, each in the view of that number.

        In training they are augmented, where there are no augmented views. On a GPU the last one is repeated up to a
        multiple of the levers' batch: cuDNN plans each new size for seconds.
        """
        if not devices.on_cpu() and levers.frozen_batch_norm:  # whose statistics the copies would change
            more = np.repeat(-1, -len(places) % levers.batch)
            views, places = np.append(views, views[more]), np.append(places, places[more])
        x, *rest = self._source.batch(views, places)
        if training and self._augmented and not self.cut:
            x = augment.images(x, levers.augment, levers.augment_strength)
        if training and levers.token_dropout and rest:
            rest[0] = augment.tokens(rest[0], levers.token_dropout)
        return x, *rest

    def _on_gpu(
        self, encoder: Pretrained, pictures: Sequence[Any], wanted: int, levers: FinetuneConfig
    ) -> tuple["_InMemory | _OnDevice", int]:
        """The inputs after the frozen stages, or as they are where these make too much of them, and the stages run."""
        items = encoder.activations(pictures, 0)
        if len(items) * max(sum(array.nbytes for array in item) for item in items) > ROOM * devices.free_bytes():
            return _InMemory([items]), 0
        inputs, most = _OnDevice.of(items), int(levers.epochs)
        least, most = (wanted, max(wanted, most)) if self._augmented else (1, 1)
        return inputs.advanced(encoder, self.cut, least, most, levers) if self.cut else (inputs, 0)


class _InMemory:
    """Items of each view as arrays, copied to the device batch by batch."""

    def __init__(self, views: list[list[Arrays]]) -> None:
        self.views, self.number = views, len(views)
        self.lengths = np.array([len(item[0]) for item in views[0]])

    def batch(self, views: np.ndarray, places: np.ndarray) -> tuple[Tensor, ...]:
        return devices.to_device(collate([self.views[v][place] for v, place in zip(views, places, strict=True)]))


class _OnDevice:
    """All items of all views in the memory of a GPU, filled up to the longest: one view after the other."""

    def __init__(self, tensors: tuple[Tensor, ...], lengths: np.ndarray, number: int = 1) -> None:
        self.tensors, self.lengths, self.number = tensors, lengths, number

    @classmethod
    def of(cls, items: Sequence[Arrays]) -> "_OnDevice":
        """The items as they are."""
        lengths = np.array([len(item[0]) for item in items])
        tensors = tuple(
            torch.from_numpy(np.zeros((len(items), int(lengths.max()), *part.shape[1:]), part.dtype)).to(
                devices.device()
            )
            for part in items[0]
        )
        for start in range(0, len(items), _PREPARED):
            batch = devices.to_device(collate(items[start : start + _PREPARED]))
            for whole, part in zip(tensors, batch, strict=True):
                whole[start : start + _PREPARED, : part.shape[1]] = part
        return cls(tensors, lengths)

    def batch(self, views: np.ndarray, places: np.ndarray) -> tuple[Tensor, ...]:
        (rows,) = devices.to_device((views * len(self.lengths) + places,))
        batch = tuple(tensor[rows] for tensor in self.tensors)
        if len(batch) > 1:  # texts: the padding that none of them needs goes
            longest = int(self.lengths[places].max())
            return tuple(tensor[:, : longest + -longest % LENGTHS] for tensor in batch)
        return (devices.laid_out(batch[0]),)

    @torch.inference_mode()
    def advanced(
        self, encoder: Pretrained, cut: int, least: int, most: int, levers: FinetuneConfig
    ) -> tuple["_OnDevice", int]:
        """After the first `cut` stages, in as many views as there is room for, `least` to `most`, and `cut`.

        Where not `least` fit, the items as they are, and 0.
        """
        first = devices.narrowed(devices.placed(copy.deepcopy(encoder.network.first(cut))), encoder.mixed)
        x, *rest = self.tensors

        def in_batches(batch: tuple[Tensor, ...], size: int) -> Tensor:
            more = torch.arange(len(batch[0]) + -len(batch[0]) % size, device=batch[0].device).clamp(
                max=len(batch[0]) - 1
            )
            parts = [tuple(tensor[rows] for tensor in batch) for rows in more.split(size)]
            with devices.autocast(encoder.mixed):  # all of one size: cuDNN plans each new one for seconds
                return torch.cat([first(*part) for part in parts])[: len(batch[0])]

        def advance(*batch: Tensor) -> Tensor:
            return devices.halving(lambda size: in_batches(batch, size), encoder.batch_size)[0]

        few = [tensor[: encoder.batch_size] for tensor in self.tensors]
        room = ROOM * devices.free_bytes() / (advance(*few).nbytes / len(few[0]) * len(x))
        if room < least:
            return self, 0
        views = [advance(x, *rest)]
        for _ in range(1, min(most, math.floor(room))):
            views.append(advance(augment.images(x, levers.augment, levers.augment_strength), *rest))
        return _OnDevice((torch.cat(views), *(t.repeat(len(views), 1) for t in rest)), self.lengths, len(views)), cut


def _augmented(
    encoder: Pretrained, pictures: Sequence[Any], cut: int, levers: FinetuneConfig, number: int
) -> list[list[Arrays]]:
    """What the frozen stages make of so many views of each image, the first as it is, the others augmented."""
    views: list[list[Arrays]] = [[] for _ in range(number)]
    for begin in range(0, len(pictures), _PREPARED):
        prepared = encoder.activations(pictures[begin : begin + _PREPARED], 0)
        views[0] += encoder.advance(prepared, cut)
        images = [item[0] for item in prepared]
        for view in views[1:]:
            changed_images = []
            for start in range(0, len(images), encoder.batch):
                batch = torch.from_numpy(np.stack(images[start : start + encoder.batch]))
                changed = augment.images(batch, levers.augment, levers.augment_strength).numpy()
                changed_images += [(image,) for image in changed]
            view += encoder.advance(changed_images, cut)
    return views
