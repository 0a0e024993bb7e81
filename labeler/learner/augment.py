"""Augmentation of images and texts during training. The settings say which kinds are harmless for a project."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from labeler.core.settings import Augmentation

SMALLEST, NARROWEST = 0.6, 4 / 3  # at full strength: the share of an image that a crop may lose, and its widest format
COLOUR, HUE = 0.6, 0.05  # at full strength: changes of brightness, contrast and saturation; of hue, in turns
NOISE = 0.1  # at full strength: the standard deviation, of values from 0 to 1
GREY = (0.299, 0.587, 0.114)  # how bright red, green and blue are (ITU-R BT.601)


def images(batch: Tensor, kinds: Sequence[Augmentation], strength: float) -> Tensor:
    """Each image changed at random in the given ways, all of them at once on the device that holds them.

    What is done to which image is drawn on the CPU, so it is the same on each device.

    Args:    batch: (n, 3, size, size) uint8. strength: 0 to 1, of crops, colours and noise; a mirror is a mirror.
    Returns: (n, 3, size, size) uint8. Draws from torch's generator.
    """
    if not kinds:
        return batch
    changed = batch.float() / 255
    if crops := {"flip", "flip_vertical", "crop"} & set(kinds):
        changed = _moved(changed, "flip" in crops, "flip_vertical" in crops, strength if "crop" in crops else 0.0)
    if "colour" in kinds and strength:
        changed = _coloured(changed, strength)
    if "noise" in kinds and strength:
        changed = changed + torch.randn(changed.shape).to(changed.device) * (NOISE * strength)
    return (changed.clamp(0, 1) * 255).round().to(torch.uint8)


def _moved(batch: Tensor, mirrored: bool, turned_over: bool, strength: float) -> Tensor:
    """Each image mirrored or not, and a rectangle of it stretched over the whole.

    Source: Szegedy et al. 2015, section 6 (crops of random size and format).
    """
    n = len(batch)
    flips = [1.0 - 2.0 * (torch.rand(n) < 0.5) * wanted for wanted in (mirrored, turned_over)]
    width = height = torch.ones(n)
    if strength:
        area = 1 - SMALLEST * strength * torch.rand(n)
        format_ = torch.exp((2 * torch.rand(n) - 1) * math.log(NARROWEST))
        width, height = (area * format_).sqrt().clamp(max=1), (area / format_).sqrt().clamp(max=1)
    # where the rectangle lies: from one border of the image to the other
    x, y = ((2 * torch.rand(n) - 1) * (1 - side) for side in (width, height))
    zero = torch.zeros(n)
    maps = torch.stack([torch.stack([flips[0] * width, zero, x], 1), torch.stack([zero, flips[1] * height, y], 1)], 1)
    grid = functional.affine_grid(maps.to(batch.device), list(batch.shape), align_corners=False)
    return functional.grid_sample(batch, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _coloured(batch: Tensor, strength: float) -> Tensor:
    """Each image brighter or darker, with more or less contrast and saturation, its colours turned a little."""
    n, most = len(batch), COLOUR * strength

    def drawn(limit: float) -> Tensor:
        return ((2 * torch.rand(n, 1, 1, 1) - 1) * limit).to(batch.device)

    grey = torch.tensor(GREY, device=batch.device).view(1, 3, 1, 1)
    batch = (batch * (1 + drawn(most))).clamp(0, 1)
    mean = (batch * grey).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    batch = (mean + (batch - mean) * (1 + drawn(most))).clamp(0, 1)
    brightness = (batch * grey).sum(1, keepdim=True)
    batch = (brightness + (batch - brightness) * (1 + drawn(most))).clamp(0, 1)
    return _turned(batch, drawn(HUE * strength) * 2 * math.pi)


def _turned(batch: Tensor, angle: Tensor) -> Tensor:
    """Each image with its colours turned around grey by an angle (n, 1, 1, 1) in radians; grey stays grey."""
    red, green, blue = batch.unbind(1)
    mean = batch.mean(1)
    cos, sin = angle.cos()[:, 0], angle.sin()[:, 0] / math.sqrt(3)
    turned = [
        mean + (own - mean) * cos + (before - after) * sin
        for own, before, after in ((red, blue, green), (green, red, blue), (blue, green, red))
    ]
    return torch.stack(turned, 1).clamp(0, 1)


def pasted(batch: Tensor, items: int, rng: np.random.Generator) -> tuple[Tensor, np.ndarray, float]:
    """Each image with a rectangle of another one pasted over it, at one place for the whole batch (CutMix).

    Args:    batch: (n, channels, height, width) pixels, or what a network's first stages make of them. items: the first
             so many of the batch take part.
    Returns: the batch; (items,) which image the rectangle is from; the share of the area that stays.
    Source:  Yun et al. 2019, section 3.1, here on the frozen stages' outputs, whose places are those of the image.
    """
    height, width = batch.shape[2:]
    side = math.sqrt(rng.random())
    h, w = round(height * side), round(width * side)
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    partners = rng.permutation(items)
    mixed, rectangle = batch.clone(), (slice(top, top + h), slice(left, left + w))
    mixed[:items, :, *rectangle] = batch[:items][torch.from_numpy(partners).to(batch.device)][:, :, *rectangle]
    return mixed, partners, 1 - h * w / (height * width)


def tokens(mask: Tensor, share: float) -> Tensor:
    """The mask of texts without a random share of their tokens; the first token of each always stays.

    Args:   mask: (n, length) int, 1 where there is a token. Draws from torch's generator.
    """
    kept = torch.rand(mask.shape, device=mask.device) >= share
    kept[:, 0] = True
    return mask * kept
