"""What a published model is made of, in torch: networks, alone or side by side, under linear heads."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from labeler.learner.model import LinearHeads


def whole_heads(heads: LinearHeads) -> tuple[np.ndarray, np.ndarray]:
    """Weight (M, C, d) and bias (M, C) over all classes; those without a label get a logit of practically −∞."""
    members, _, width = heads.weight.shape
    weight = np.zeros((members, heads.n_classes, width), dtype=np.float32)
    bias = np.full((members, heads.n_classes), -1e9, dtype=np.float32)
    weight[:, heads.classes], bias[:, heads.classes] = heads.weight, heads.bias
    return weight, bias


class Classifier(nn.Module):
    """A network and its heads."""

    mean: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, network: nn.Module, heads: LinearHeads) -> None:
        super().__init__()
        self.network, self.layers, self.several = network, list(heads.normalizer.layers()), heads.several
        weight, bias = whole_heads(heads)
        for name, values in (("mean", heads.normalizer.mean), ("weight", weight), ("bias", bias)):
            self.register_buffer(name, torch.from_numpy(values.copy()))

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        centred = self.network(x, *rest) - self.mean
        normal = torch.cat([functional.normalize(centred[:, columns], dim=1) for columns in self.layers], dim=1)
        logits = torch.einsum("nd,mcd->mnc", normal, self.weight) + self.bias[:, None]
        return (logits.sigmoid() if self.several else logits.softmax(dim=2)).mean(dim=0)


class Both(nn.Module):
    """The weighted mean of two classifiers' probabilities."""

    def __init__(self, first: nn.Module, second: nn.Module, share: float) -> None:
        super().__init__()
        self.first, self.second, self.share = first, second, share

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        return (1 - self.share) * self.first(x, *rest) + self.share * self.second(x, *rest)


class Beside(nn.Module):
    """A network's features beside those of n-grams, which are given; without the latter for a tuned network."""

    def __init__(self, network: nn.Module, ngrams_first: bool, alone: bool) -> None:
        super().__init__()
        self.network, self.ngrams_first, self.alone = network, ngrams_first, alone

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        features, ngrams = self.network(x, *rest[:-1]), rest[-1]
        if self.alone:
            return features
        return torch.cat([ngrams, features] if self.ngrams_first else [features, ngrams], dim=1)


class Together(nn.Module):
    """The features of several networks that read the same images."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([network(x) for network in self.networks], dim=1)
