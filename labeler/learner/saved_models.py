"""Models as files: a model → a file, and a file → the model with the same probabilities."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from labeler.backbones.encoder import Encoder, columns_of, networks_of
from labeler.core.errors import LabelerError
from labeler.core.whole_files import make_folder, write_whole
from labeler.learner.estimators import restored
from labeler.learner.model import FineTuned, LinearHeads, Model, Normalizer, TunedNetwork, on_all_columns, tuned_prefix

# Imports of safetensors are deferred: it is slow to load.


def save(model: Model, path: Path) -> None:
    """Write a model to one file, whole or not at all."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    make_folder(path.parent)
    write_whole(path, model.to_bytes())


def load(path: Path, encoder: Encoder | None = None) -> Model:
    """The model that was saved at `path`, with the same probabilities.

    A head that is a file of the project is looked for in the folder above that of the models.

    Args:    encoder: with which the model was trained; only a fine-tuned model needs it.
    Raises:  LabelerError: the file is missing or damaged, or the model was trained with another encoder.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {})["labeler"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if about["kind"] == "estimator":
            return restored(about, tensors, path.resolve().parent.parent)
        weight, bias = tensors.pop("weight"), tensors.pop("bias")
        head = LinearHeads(
            Normalizer(tensors.pop("mean"), tuple(about["dims"])),
            tensors.pop("classes"),
            about["n_classes"],
            weight.reshape(-1, *weight.shape[-2:]),  # files of version 0.1 hold a single head
            bias.reshape(-1, bias.shape[-1]),
            about.get("several", False),  # files of version 0.1 have one class an item
        )
        if about["kind"] == "frozen":
            return head
        weight, bias = tensors.pop("head.weight"), tensors.pop("head.bias")
        tuned_head = replace(
            head, weight=weight.reshape(-1, *weight.shape[-2:]), bias=bias.reshape(-1, len(head.classes))
        )
        networks = _networks(about, tensors, encoder, path)
        share = about.get("share", 0.5)  # in files of version 0.1 both have the same weight
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise LabelerError(
            "{path} cannot be read as a model ({error}): train again.", path=path, error=error
        ) from error
    if "head.mean" in tensors:  # in older files it reads the network's columns alone
        tuned_head = on_all_columns(tuned_head, networks[0].columns)
    return FineTuned(head, tuned_head, networks, share)


def _networks(
    about: dict[str, Any], tensors: dict[str, np.ndarray], encoder: Encoder | None, path: Path
) -> tuple[TunedNetwork, ...]:
    """The trained networks of a file.

    Args:   about, tensors: what the file holds. encoder: that of the settings.
    Raises: LabelerError: a network was trained from an encoder that the settings do not have. KeyError: the file says
            nothing of networks.
    """
    here = {network.key: network for network in networks_of(encoder)}
    networks = []
    for number, (trained_on, cut) in enumerate([(about["encoder"], about["cut"]), *about.get("others", [])]):
        if trained_on not in here:
            raise LabelerError(
                "{path} was fine-tuned from another backbone than that of the settings: "
                "train again, or set learner.backbone and learner.input_size back.",
                path=path,
            )
        prefix, network = tuned_prefix(number), here[trained_on]
        own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        networks.append(TunedNetwork(network, cut, own, columns_of(encoder, network)))
    return tuple(networks)


def normalizer_of(path: Path) -> Normalizer:
    """The normalizer of the model that was saved at `path`; nothing else is read from the file.

    Raises: LabelerError: the file is missing or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            about = json.loads((file.metadata() or {})["labeler"])
            return Normalizer(file.get_tensor("mean"), tuple(about["dims"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise LabelerError(
            "{path} cannot be read as a model ({error}): train again.", path=path, error=error
        ) from error
