"""Which device computes, in which precision, what is known of it, and memory that is too short."""

import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from labeler.backbones import devices, onnx
from labeler.backbones.encoder import Joined, computed_on, features_key
from labeler.core import processes
from tests.support.gpu import as_on_a_gpu
from tests.support.tiny_networks import IMAGES, TEXTS
from tests.support.toy_network import TOY, toy_network


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """The device is looked for again, in the test and after it."""
    devices.device.cache_clear()
    yield
    devices.device.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_a_card_without_kernels_leaves_the_work_to_the_cpu_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(devices, "_try_out", fails)
    with caplog.at_level(logging.WARNING):
        assert devices.device().type == "cpu"
    (message,) = caplog.messages
    assert "The GPU cannot be used, and the CPU computes instead" in message
    assert "no kernel image is available for execution on the device" in message
    assert "more" not in message


@pytest.mark.parametrize(
    ("in_hardware", "mixed", "precision"),
    [(True, True, torch.bfloat16), (False, True, torch.float32), (True, False, torch.float32)],
)
def test_bfloat16_is_for_cards_that_have_it_and_settings_that_allow_it(
    in_hardware: bool, mixed: bool, precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return including_emulation or in_hardware  # an older card can, but slowly

    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert devices.half(mixed) == precision
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch finds no CUDA here
        assert devices.autocast(mixed).fast_dtype == torch.bfloat16
    layers = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.LayerNorm(2), torch.nn.Linear(2, 2))
    assert [part.weight.dtype for part in devices.narrowed(layers, mixed)] == [precision, torch.float32, precision]


def test_features_of_another_precision_or_device_have_a_cache_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert features_key(TOY) == TOY.key
    both = Joined((TOY, replace(TOY, key="toy-2")))
    monkeypatch.setattr(processes, "may_have_gpu", lambda: True)
    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert features_key(TOY) == "toy-1-cuda-bfloat16"
    assert features_key(replace(TOY, mixed=False)) == "toy-1-cuda-float32"
    assert features_key(both) == f"{both.key}-cuda-bfloat16"
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    assert features_key(TOY) == TOY.key


def test_a_processor_with_bfloat16_embeds_texts_in_it_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = ["a", "bc", "def"] * 7
    exact = TEXTS.encode(letters)
    monkeypatch.setattr(processes, "multiplies_bfloat16", lambda: True)

    def refuse(*_: object) -> None:
        raise AssertionError("ONNX Runtime has no bfloat16")

    monkeypatch.setattr(onnx, "export", refuse)
    here = replace(TEXTS)  # which knows no way to run yet
    assert features_key(here) == f"{TEXTS.key}-cpu-bfloat16"
    assert computed_on(here)["precision"] == "bfloat16"
    assert computed_on(here) == devices.facts(texts=True)
    features = here.encode(letters)
    assert features.dtype == np.float32
    assert not np.array_equal(features, exact)
    np.testing.assert_allclose(features, exact, atol=0.05)
    for other in (IMAGES, replace(TEXTS, mixed=False)):
        assert features_key(other) == other.key


def test_what_a_model_was_computed_on_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    here = computed_on(TOY)
    assert here["device"] == "cpu"
    assert here["precision"] == "float32"
    assert here["name"]
    assert devices.facts() == here
    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91900)
    assert devices.facts().items() >= {"device": "cuda", "precision": "bfloat16", "name": "a card"}.items()
    assert devices.facts()["cudnn"] == "91900"


def test_a_size_that_does_not_fit_is_halved_until_it_does(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    def run(size: int) -> str:
        tried.append(size)
        if size > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "done"

    assert devices.halving(run, 40) == ("done", 5)
    assert tried == [40, 20, 10, 5]
    assert "too short for 40 items at a time: 20 are tried" in caplog.text
    with pytest.raises(torch.OutOfMemoryError):
        devices.halving(run, 64, least=16)


MEMORY_EFFICIENT = "Memory Efficient attention defaults to a non-deterministic algorithm. To explicitly enable …"


def test_operations_that_cannot_be_repeated_are_named_and_other_warnings_stay() -> None:
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        with devices.refusals() as operations:
            for _ in range(2):
                warnings.warn("cumsum_cuda does not have a deterministic implementation, but …", stacklevel=1)
                warnings.warn(MEMORY_EFFICIENT, stacklevel=1)
                warnings.warn("something else", stacklevel=1)
            assert torch.is_warn_always_enabled()
    assert not torch.is_warn_always_enabled()
    assert operations == ["cumsum_cuda", "Memory Efficient attention"]
    assert [str(warning.message) for warning in raised] == ["something else"]


def test_nothing_but_what_can_be_repeated_is_allowed_until_an_operation_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    tried: list[bool] = []

    def run(refused: bool) -> str:
        only_warned = torch.is_deterministic_algorithms_warn_only_enabled()
        tried.append(only_warned)
        if refused and not only_warned:
            raise RuntimeError("cumsum_cuda does not have a deterministic implementation, but you set …")
        if refused:
            warnings.warn("cumsum_cuda does not have a deterministic implementation, but …", stacklevel=1)
        return "done"

    def fails() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    try:
        assert devices.repeatably(lambda: run(refused=False)) == ("done", [])
        assert devices.repeatably(lambda: run(refused=True)) == ("done", ["cumsum_cuda"])
        with pytest.raises(torch.OutOfMemoryError):
            devices.repeatably(fails)
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert tried == [False, False, True]


def test_what_runs_in_torch_is_a_copy() -> None:
    network = toy_network()
    batch = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    run = onnx.in_torch(network)
    before = run(batch)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(run(batch), before)


def test_a_batch_that_does_not_fit_is_run_in_parts_and_so_is_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Large(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            sizes.append(len(x))
            if len(x) > 4:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return 2 * x

    as_on_a_gpu(monkeypatch)
    run, batch = onnx.in_torch(Large()), np.arange(22, dtype=np.float32).reshape(11, 2)
    for _ in range(2):
        np.testing.assert_array_equal(run(batch), 2 * batch)
    # batches are filled up to powers of two: 16 and 8 do not fit, 2 do, and the next time nothing is tried out
    assert sizes == [16, 8, *[2] * 5, 1, *[2] * 5, 1]


def test_batches_are_filled_up_to_sizes_that_occurred_before(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, mask = np.arange(30).reshape(3, 10), np.ones((3, 10), dtype=np.int64)
    assert onnx.filled_up((ids, mask))[0] is ids
    as_on_a_gpu(monkeypatch)
    filled, filled_mask = onnx.filled_up((ids, mask))
    assert filled.shape == filled_mask.shape == (4, 32)
    np.testing.assert_array_equal(filled[:3, :10], ids)
    np.testing.assert_array_equal(filled[3], filled[2])
    assert filled_mask.sum() == 40
