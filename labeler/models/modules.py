"""What a published model is made of, in torch: networks, alone or side by side, under linear heads."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from labeler.learner.model import FineTuned, LinearHeads


def whole_heads(heads: LinearHeads) -> tuple[np.ndarray, np.ndarray]:
    """Weight (M, C, d) and bias (M, C) over all classes; those without a label get a logit of practically −∞."""
    members, _, width = heads.weight.shape
    weight = np.zeros((members, heads.n_classes, width), dtype=np.float32)
    bias = np.full((members, heads.n_classes), -1e9, dtype=np.float32)
    weight[:, heads.classes], bias[:, heads.classes] = heads.weight, heads.bias
    return weight, bias


class Heads(nn.Module):
    """The probabilities (n, C) of linear heads from features (n, d)."""

    mean: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, heads: LinearHeads) -> None:
        super().__init__()
        self.layers, self.several = list(heads.normalizer.layers()), heads.several
        weight, bias = whole_heads(heads)
        for name, values in (("mean", heads.normalizer.mean), ("weight", weight), ("bias", bias)):
            self.register_buffer(name, torch.from_numpy(values.copy()))

    def forward(self, features: Tensor) -> Tensor:
        centred = features - self.mean
        normal = torch.cat([functional.normalize(centred[:, columns], dim=1) for columns in self.layers], dim=1)
        logits = torch.einsum("nd,mcd->mnc", normal, self.weight) + self.bias[:, None]
        return (logits.sigmoid() if self.several else logits.softmax(dim=2)).mean(dim=0)


class Classifier(nn.Module):
    """Encoders and heads on their features."""

    def __init__(self, encoders: nn.Module, heads: LinearHeads) -> None:
        super().__init__()
        self.encoders, self.heads = encoders, Heads(heads)

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        return self.heads(self.encoders(x, *rest))


class TunedClassifier(nn.Module):
    """Encoders under the frozen heads, and fine-tuned networks in place of some of them under their own: their mean.

    Args: takes: how many of the inputs the fine-tuned networks read, the first ones.
    """

    def __init__(self, encoders: nn.Module, takes: int, model: FineTuned) -> None:
        super().__init__()
        self.encoders, self.takes, self.share = encoders, takes, model.share
        self.networks = nn.ModuleList(tuned.network.cpu() for tuned in model.networks)
        self.columns = [tuned.columns for tuned in model.networks]
        self.frozen, self.head = Heads(model.frozen), Heads(model.head)

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        features = self.encoders(x, *rest)
        whole = features
        for network, columns in zip(self.networks, self.columns, strict=True):
            start, stop, _ = columns.indices(features.shape[1])
            tuned = network(*(x, *rest)[: self.takes])
            whole = torch.cat([whole[:, :start], tuned, whole[:, stop:]], dim=1)
        return (1 - self.share) * self.frozen(features) + self.share * self.head(whole)


class Beside(nn.Module):
    """A network's features beside those of n-grams, which are given."""

    def __init__(self, network: nn.Module, ngrams_first: bool) -> None:
        super().__init__()
        self.network, self.ngrams_first = network, ngrams_first

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        features, ngrams = self.network(x, *rest[:-1]), rest[-1]
        return torch.cat([ngrams, features] if self.ngrams_first else [features, ngrams], dim=1)


class Together(nn.Module):
    """The features of several networks that read the same images."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([network(x) for network in self.networks], dim=1)
