"""Attention rollout: worked out by hand, and equal to what the libraries compute."""

from typing import Any

import numpy as np
import pytest
import timm
import torch
from transformers import BertConfig, BertModel

from labeler.backbones import devices
from labeler.backbones.images import staged
from labeler.backbones.network import Network, Pixels
from labeler.backbones.texts import _bert
from labeler.explain.attention import of_patches, of_tokens, rolled_out, rollout

IDS = torch.tensor([[2, 40, 17, 99, 5, 3]])
GIVEN = (IDS, torch.ones_like(IDS))


def bert():
    config = BertConfig(
        vocab_size=200,
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.5,
    )
    with devices.seeded(0):
        model = BertModel(config, add_pooling_layer=False).eval()
    model.set_attn_implementation("eager")  # the only one that tells its weights
    return model


def vision_transformer(**settings):
    with devices.seeded(0):
        return timm.create_model(
            "vit_tiny_patch16_224", num_classes=0, img_size=48, embed_dim=24, depth=2, num_heads=3, **settings
        ).eval()


def test_two_blocks_worked_out_by_hand():
    """The first token looks at the second in both blocks, the second at itself: a quarter of the first stays."""
    attention = np.array([[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(rolled_out([attention, attention]), [[0.25, 0.75], [0.0, 1.0]])


def test_the_first_block_comes_first():
    swap, uniform = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(rolled_out([swap, uniform]), [[0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(rolled_out([uniform, swap]), [[0.75, 0.25], [0.75, 0.25]])


def test_a_texts_attention_is_that_of_transformers():
    model = bert()
    with torch.no_grad():
        attentions: Any = model(IDS, output_attentions=True).attentions
    expected = rolled_out([own[0].mean(0).numpy() for own in attentions])
    shares: Any = rollout(_bert(model), GIVEN)
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_the_token_that_the_features_are_read_from_decides():
    network = _bert(bert())
    shares = rollout(network, GIVEN)
    np.testing.assert_allclose(of_tokens(network, GIVEN), shares.mean(0))
    network.pooling = "first"
    np.testing.assert_allclose(of_tokens(network, GIVEN), shares[0])


@pytest.mark.parametrize(
    "settings", [{}, {"reg_tokens": 4}, {"qk_norm": True}, {"class_token": False, "global_pool": "avg"}]
)
def test_an_images_attention_is_that_of_its_blocks(settings):
    model = vision_transformer(**settings)
    own: list[torch.Tensor] = []
    for block in model.blocks:
        block.attn.fused_attn = False  # else no weights are computed
        block.attn.attn_drop.register_forward_hook(lambda _module, _args, weights: own.append(weights[0].mean(0)))
    pixels = torch.randint(0, 256, (1, 3, 48, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = staged(model)
    shares = of_patches(network, pixels)
    expected = rolled_out([attention.numpy() for attention in own[:2]])
    first = len(expected) - 9
    read = expected[first:].mean(0)
    if first:
        read = (expected[0] + read) / 2
    assert shares.shape == (3, 3)
    np.testing.assert_allclose(shares.ravel(), read[first:], atol=1e-5)


def test_weights_at_random_attend_elsewhere():
    """A map that weights do not change would tell of the input alone (Adebayo et al. 2018)."""
    network = _bert(bert())
    trained = of_tokens(network, GIVEN)
    with devices.seeded(1), torch.no_grad():
        for stage in network.stages[1:]:
            for parameter in stage.parameters():
                parameter.copy_(0.5 * torch.randn_like(parameter))
    assert np.abs(of_tokens(network, GIVEN) - trained).max() > 0.02


def test_a_convolutional_network_has_none():
    convolution = torch.nn.Conv2d(3, 4, 3)
    network = Network([Pixels((0.5,) * 3, (0.5,) * 3), convolution], taps=[1])
    assert of_patches(network, torch.zeros((1, 3, 8, 8), dtype=torch.uint8)) is None
