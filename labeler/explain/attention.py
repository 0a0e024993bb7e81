"""Attention: from which parts of an item a transformer gathered its features, over all its layers.

It is a view beside the attribution of scores. Attention mixes tokens whatever class is asked about, and what a network
attended to need not be what decided (Jain and Wallace 2019, section 4).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from labeler.backbones.network import Network

# A block's attention: (1, heads, n, n), each row of which sums to 1, from the hidden states that it reads.
Attend = Callable[[Tensor], Tensor]


def of_patches(network: Network, pixels: Tensor) -> np.ndarray | None:
    """(side, side) shares of an image's patches in the features of a vision transformer, as far as `rollout` tells.

    Args: pixels: (1, 3, size, size) bytes.
    """
    shares = rollout(network, (pixels,))
    if shares is None:
        return None
    side = math.isqrt(len(shares))
    first = len(shares) - side * side  # a class token and perhaps registers precede the patches
    read = shares[first:].mean(0)
    if network.layers_in_tap == 2:  # the class token is read as well
        read = (shares[0] + read) / 2
    return read[first:].reshape(side, side)


def of_tokens(network: Network, given: Sequence[Tensor]) -> np.ndarray | None:
    """(length,) shares of a text's tokens in the features, as far as `rollout` tells.

    Args: given: (1, length) token ids and attention mask.
    """
    shares = rollout(network, given)
    if shares is None:
        return None
    return shares[0] if network.pooling == "first" else shares.mean(0)


def rollout(network: Network, given: Sequence[Tensor]) -> np.ndarray | None:
    """(n, n) share of each input token (column) in each output token (row); rows sum to 1.

    In each block half of a token stays, and half comes from others by the mean of the block's heads; the shares are
    the product over the blocks.

    Args:    given: a batch of one, as the network reads it, without padding.
    Returns: None if the network has no attention of a kind that is known here.
    Source:  Abnar and Zuidema 2020, section 3 (attention rollout).
    """
    readers = [reader for stage in network.stages if (reader := _attention(stage)) is not None]
    hidden: list[Tensor] = []
    hooks = [module.register_forward_pre_hook(_keeping(hidden), with_kwargs=True) for module, _attend in readers]
    try:
        with torch.no_grad():
            network(*given)
            attentions = [attend(read)[0].mean(0) for (_module, attend), read in zip(readers, hidden, strict=True)]
    finally:
        for hook in hooks:
            hook.remove()
    return rolled_out([own.float().cpu().numpy() for own in attentions]) if attentions else None


def rolled_out(attentions: Sequence[np.ndarray]) -> np.ndarray:
    """(n, n) shares of the first block's tokens in the last one's, of each block's attention (n, n)."""
    shares = np.eye(len(attentions[0]))
    for attention in attentions:
        shares = (shares + attention @ shares) / 2
    return shares


def _keeping(hidden: list[Tensor]) -> Callable[..., None]:
    def keep(_module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        hidden.append(args[0] if args else named["hidden_states"])

    return keep


def _attention(stage: nn.Module) -> tuple[nn.Module, Attend] | None:
    """The module that reads a block's hidden states, and the attention that it computes of them."""
    own = getattr(stage, "attn", None)
    if own is not None and hasattr(own, "qkv") and hasattr(own, "q_norm"):  # of timm's plain vision transformer
        return own, lambda hidden: _of_timm(own, hidden)
    bert = getattr(getattr(getattr(stage, "module", None), "attention", None), "self", None)
    if bert is not None and hasattr(bert, "query") and hasattr(bert, "key"):
        return bert, lambda hidden: _of_bert(bert, hidden)
    return None


def _of_timm(own: Any, hidden: Tensor) -> Tensor:
    heads = own.num_heads
    query, key, _value = own.qkv(hidden).unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    return _softmax(own.q_norm(query), own.k_norm(key))


def _of_bert(own: Any, hidden: Tensor) -> Tensor:
    heads = own.num_attention_heads
    query, key = (part(hidden).unflatten(2, (heads, -1)).transpose(1, 2) for part in (own.query, own.key))
    return _softmax(query, key)


def _softmax(query: Tensor, key: Tensor) -> Tensor:
    return (query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])).softmax(-1)
