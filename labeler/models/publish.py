"""The project's best model as a folder that works without the labeler: ONNX and torch, and the lines that use it."""

import copy
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from labeler.backbones.encoder import Encoder, Joined, Pretrained, network_of, side_by_side
from labeler.backbones.texts import Tokens
from labeler.backbones.tfidf import SETTINGS, CharTfidf
from labeler.core.errors import LabelerError
from labeler.learner.estimators import Estimator
from labeler.learner.model import FineTuned, LinearHeads
from labeler.models.inference import Best, best_model
from labeler.projects.project import Project

if TYPE_CHECKING:
    from torch import nn

# Imports of torch, labeler.backbones.onnx and labeler.models.modules are deferred: they take seconds.

PRELUDE = """import json, unicodedata
import numpy as np

about = json.load(open("about.json", encoding="utf-8"))
"""
PIXELS = """from PIL import Image, ImageOps
image = ImageOps.exif_transpose(Image.open(given)).convert("RGB")
image = image.resize((about["size"],) * 2, Image.Resampling.BICUBIC, reducing_gap=3)
inputs = [np.asarray(image).transpose(2, 0, 1)[None].copy()]  # (1, 3, size, size) bytes
"""
TOKENS = """from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation(about["size"])
tokens = np.array([tokenizer.encode(about["prefix"] + unicodedata.normalize("NFC", given).strip()).ids])
inputs = [tokens, np.ones_like(tokens)]  # (1, length) each: the tokens, and which of them count
"""
ONNX = """import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
proba = session.run(None, {f"input_{i}": one for i, one in enumerate(inputs)})[0][0]
"""
TORCH = """import torch
module = torch.export.load("model.pt2").module()
proba = module(*map(torch.from_numpy, inputs))[0].detach().numpy()
"""
NGRAMS = """from sklearn.feature_extraction.text import TfidfVectorizer
arrays = np.load("model.npz")
ngrams = TfidfVectorizer(analyzer="char_wb", ngram_range=about["ngrams"], sublinear_tf=True, dtype=np.float32,
                         vocabulary=about["vocabulary"])
ngrams.idf_ = arrays["idf"]
features = ngrams.transform([unicodedata.normalize("NFC", given).strip()]) @ arrays["axes"].T
"""
BESIDE = """inputs.append(np.asarray(features, dtype=np.float32))  # (1, columns): the n-grams beside the network
"""
CHARACTERS = """features = features - arrays["mean"]
features /= np.maximum(np.linalg.norm(features), 1e-12)
odds = np.exp(features @ arrays["weight"].transpose(0, 2, 1) + arrays["bias"][:, None])  # (heads, 1, classes)
proba = (odds / OTHERS).mean(axis=0)[0]
"""
# By whether an input has several classes: the divisor of the odds, and the lines that print the result.
OTHERS = {False: "odds.sum(axis=2, keepdims=True)", True: "(1 + odds)"}
RESULT = {
    False: 'print(about["classes"][proba.argmax()], proba)\n',
    True: 'print([name for name, p in zip(about["classes"], proba) if p > 0.5], proba)\n',
}


def publish(project: Project, out: Path) -> Path:
    """Write the project's best model to the new folder `out`, whole or not at all; the path of its weights.

    The folder holds `about.json` (the classes in the order of the probabilities, and the model's card), the model
    itself, and a README with the lines that load it.

    Raises: LabelerError: there is no model yet, or `out` exists already or cannot be written.
    """
    if out.exists():
        raise LabelerError("{out} is there already: name a new folder.", out=out)
    best = best_model(project)
    model, encoder = best.model, best.encoder
    if isinstance(model, Estimator):
        raise LabelerError(
            "A model with the head {name} cannot be published, since it is no network: `labeler predict` uses it, and"
            ' learner.head = "linear" gives one that can be published.',
            name=model.head.name,
        )
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        about: dict[str, Any] = {"name": project.config.name, "classes": list(best.classes)}
        network, ngrams = _parts(encoder)
        if network is None:
            assert isinstance(model, LinearHeads)
            assert ngrams is not None
            more, lines = _write_ngrams(ngrams, model, temporary)
        else:
            assert isinstance(model, LinearHeads | FineTuned)
            _export(encoder, network, model, temporary)
            more, lines = _write_beside(network, ngrams, temporary)
        about |= more
        about["card"] = asdict(best.card)
        (temporary / "about.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
        (temporary / "README.md").write_text(_readme(best, lines), encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return best.weights


# What stands in about.json for an encoder, and by library the code from what is given to probabilities.
_Written = tuple[dict[str, Any], dict[str, str]]


def _write_ngrams(ngrams: CharTfidf, model: LinearHeads, folder: Path) -> _Written:
    """Write model.npz of a model on n-grams alone."""
    from labeler.models.modules import whole_heads

    weight, bias = whole_heads(model)
    mean = model.normalizer.mean
    np.savez(folder / "model.npz", idf=ngrams.idf, axes=ngrams.axes, mean=mean, weight=weight, bias=bias)
    return _about(ngrams), {"numpy and scikit-learn": NGRAMS + CHARACTERS}


def _write_beside(network: Pretrained, ngrams: CharTfidf | None, folder: Path) -> _Written:
    """Write what prepares an input for an exported network, and for the n-grams beside it, if there are any."""
    about = {} if ngrams is None else _about(ngrams)
    if isinstance(network.prepare, Tokens):
        prepare = TOKENS
        about |= {"size": network.prepare.longest, "prefix": network.prepare.prefix}
        tokenizer = network.prepare.tokenizer.backend_tokenizer.to_str()
        (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    else:
        prepare = PIXELS
        about["size"] = network.example[0].shape[-1]  # the size is rounded down to whole patches
    if ngrams is not None:
        np.savez(folder / "model.npz", idf=ngrams.idf, axes=ngrams.axes)
        prepare += NGRAMS + BESIDE
    return about, {"ONNX Runtime": prepare + ONNX, "torch": prepare + TORCH}


def _about(ngrams: CharTfidf) -> dict[str, Any]:
    return {"ngrams": SETTINGS["ngrams"], "vocabulary": ngrams.vocabulary}


def _parts(encoder: Encoder) -> tuple[Pretrained | None, CharTfidf | None]:
    """The network and the n-grams that an encoder consists of; of several networks of images the first.

    Raises: LabelerError: it consists of others.
    """
    network, parts = network_of(encoder), side_by_side(encoder)
    ngrams = next((part for part in parts if isinstance(part, CharTfidf)), None)
    if _of_same_images(parts) or len(parts) == (network is not None) + (ngrams is not None):
        return network, ngrams
    raise LabelerError(
        "A model on {name} cannot be published: only a network alone, one beside char_tfidf, or networks that read the"
        " same images can.",
        name=encoder.name,
    )


def _of_same_images(parts: Sequence[Encoder]) -> bool:
    """Whether all are networks that read images, of one size."""
    networks = [part for part in parts if isinstance(part, Pretrained) and not part.reads_texts]
    return len(networks) == len(parts) and len({network.example[0].shape for network in networks}) == 1


def _export(encoder: Encoder, network: Pretrained, model: LinearHeads | FineTuned, folder: Path) -> None:
    """Write model.onnx and model.pt2, which map the arrays of the network's `prepare` to probabilities (n, C).

    Of a network beside n-grams they take the features of these (n, columns) as well, last.
    """
    import torch

    from labeler.backbones import onnx

    whole = _module(encoder, network, model)
    example, axes = network.example, [network.dynamic_axes] * len(network.example)
    if isinstance(encoder, Joined) and not _of_same_images(encoder.parts):
        example, axes = (*example, np.zeros((2, sum(encoder.dims) - sum(network.dims)), np.float32)), [*axes, 1]
    program = onnx.traced(whole, example, axes)
    onnx.export(program, folder / "model.onnx")
    torch.export.save(program, folder / "model.pt2")


def _module(encoder: Encoder, network: Pretrained, model: LinearHeads | FineTuned) -> "nn.Module":
    """Backbone and heads as one module; of a fine-tuned model with the trained networks, too."""
    from labeler.models.modules import Beside, Classifier, Together, TunedClassifier

    parts, own = side_by_side(encoder), copy.deepcopy(network.network).cpu()
    encoders: nn.Module = own
    if len(parts) > 1 and _of_same_images(parts):
        others = [copy.deepcopy(cast(Pretrained, part).network).cpu() for part in parts if part is not network]
        encoders = Together([own, *others])
    elif len(parts) > 1:
        encoders = Beside(own, parts[0] is not network)
    if isinstance(model, LinearHeads):
        return Classifier(encoders, model).eval()
    return TunedClassifier(encoders, len(network.example), model).eval()


def _readme(best: Best, lines: Mapping[str, str]) -> str:
    """The README of a published folder.

    Args: lines: by library, the code from what is given to probabilities.
    """
    name, modality = best.card.config["name"], best.card.config["modality"]
    several = ", several or none of them an item" if best.several else ""
    given = "a text" if modality == "text" else "the path of an image of 8 bits a colour (others look different here)"
    parts = [
        f"# {name}\n",
        f"A classifier of {modality}s into {', '.join(best.classes)}{several}."
        f" `about.json` says what it was trained on and how. In this folder, with `given` being {given}:\n",
    ]
    for library, code in lines.items():
        whole = PRELUDE + code.replace("OTHERS", OTHERS[best.several]) + RESULT[best.several]
        parts.append(f"With {library}:\n\n```python\n{whole}```\n")
    return "\n".join(parts)
