"""Looks of an image: what is allowed and nothing else."""

import numpy as np
import pytest
import torch

from labeler.learner import augment


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def pictures(n: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, 16, 16), dtype=torch.uint8)


def test_a_mirrored_image_is_the_image_or_its_mirror() -> None:
    batch = pictures()
    for kind, axis in (("flip", 2), ("flip_vertical", 1)):
        looks = augment.images(batch, [kind], 1.0)  # type: ignore[list-item]
        mirrored = [torch.equal(look, one.flip(axis)) for look, one in zip(looks, batch, strict=True)]
        same = [torch.equal(look, one) for look, one in zip(looks, batch, strict=True)]
        assert all(a or b for a, b in zip(mirrored, same, strict=True))
        assert 4 < sum(mirrored) < 28


@pytest.mark.parametrize("kind", ["crop", "colour", "noise"])
def test_stronger_changes_more_and_none_changes_nothing(kind: str) -> None:
    batch = pictures(8)
    changes = []
    for strength in (0.0, 0.3, 1.0):
        look = augment.images(batch, [kind], strength)  # type: ignore[list-item]
        assert look.shape == batch.shape
        assert look.dtype == torch.uint8
        changes.append((look.float() - batch.float()).abs().mean().item())
    assert changes[0] < (40 if kind == "crop" else 1)  # a crop may squeeze the whole image a little
    if kind != "crop":
        assert changes[1] < changes[2]
    assert changes[2] > 3


def test_nothing_allowed_nothing_changed() -> None:
    batch = pictures(4)
    assert torch.equal(augment.images(batch, [], 1.0), batch)


def test_a_pasted_rectangle_covers_the_share_that_does_not_stay() -> None:
    rng, numbers = np.random.default_rng(0), torch.arange(6.0)
    batch = numbers.view(6, 1, 1, 1).expand(6, 2, 10, 20)  # each image of one colour, the last two only fill up
    shares = []
    for _ in range(20):
        mixed, partners, stays = augment.pasted(batch, 4, rng)
        expected = numbers.clone()
        expected[:4] = stays * numbers[:4] + (1 - stays) * numbers[partners]
        torch.testing.assert_close(mixed.mean((1, 2, 3)), expected)
        assert set(mixed[0].unique().tolist()) <= {0.0, float(partners[0])}
        shares.append(stays)
    assert min(shares) < 0.2
    assert max(shares) > 0.8


def test_dropped_tokens_never_include_the_first_or_bring_back_padding() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 0]] * 200)
    kept = augment.tokens(mask, 0.5)
    assert (kept[:, 0] == 1).all()
    assert (kept[:, 4] == 0).all()
    assert 0.4 < kept[:, 1:4].float().mean() < 0.6
    assert torch.equal(augment.tokens(mask, 0.0), mask)
