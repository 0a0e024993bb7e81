"""Augmentation of images and texts during training. The settings say which kinds are harmless for a project."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from labeler.core.settings import Augmentation

# Imports of torchvision are deferred: it is slow to load, and augmenting tokens does not need it.


def images(batch: Tensor, kinds: Sequence[Augmentation], strength: float) -> Tensor:
    """Each image changed at random in the given ways.

    Args:    batch: (n, 3, size, size) uint8. strength: 0 to 1, of crops, colours and noise; a mirror is a mirror.
    Returns: (n, 3, size, size) uint8. Draws from torch's generator.
    """
    from torchvision.transforms import v2

    size = batch.shape[-1]
    transforms = {
        "flip": lambda: v2.RandomHorizontalFlip(),
        "flip_vertical": lambda: v2.RandomVerticalFlip(),
        "crop": lambda: v2.RandomResizedCrop(size, scale=(1 - 0.6 * strength, 1.0), antialias=True),
        "colour": lambda: v2.ColorJitter(*[0.6 * strength] * 3, hue=0.05 * strength),
        "noise": lambda: v2.Compose(
            [
                v2.ToDtype(torch.float32, scale=True),
                v2.GaussianNoise(sigma=0.1 * strength),
                v2.ToDtype(torch.uint8, scale=True),
            ]
        ),
    }
    change = nn.Sequential(*[transforms[kind]() for kind in dict.fromkeys(kinds)])
    return torch.stack([change(image) for image in batch])


def tokens(mask: Tensor, share: float) -> Tensor:
    """The mask of texts without a random share of their tokens; the first token of each always stays.

    Args:   mask: (n, length) int, 1 where there is a token. Draws from torch's generator.
    """
    kept = torch.rand(mask.shape, device=mask.device) >= share
    kept[:, 0] = True
    return mask * kept
