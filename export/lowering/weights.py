"""The weights of several scan mixers side by side, arranged for tokens that lie in scan order.

A mixer projects every token for all four directions at once, and the results would have to be
reordered. Here the tokens are reordered first, so each direction has a matrix of its own. Sizes of
heads may be padded with zeros, which changes no result: some kernels like round numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.layers.bigdr import KINDS, BiGDRBlock
from bokehflow.scan import DIRECTIONS


def projections(
    blocks: Sequence[BiGDRBlock], value_size: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Matrices from normalised tokens, with a 1 appended, to q, k, v and what the gates read.

    value_size: of a head, padded with zeros up to this.
    Returns [S, 4, C + 1, C] twice, [S, 4, C + 1, H x value_size] and [S, 4, C + 1, 2C], S blocks.
    Scale and shift of each block's norm are in them.
    """
    kinds = torch.stack([_by_kind(block) for block in blocks], dim=1)
    query, key, value, alpha, beta = kinds.unbind(0)
    value = F.pad(value, (0, value_size - value.shape[-1]))
    gates = torch.cat([alpha.flatten(3), beta.flatten(3)], dim=-1)
    return query.flatten(3), key.flatten(3), value.flatten(3), gates


def _by_kind(block: BiGDRBlock) -> Tensor:
    """[5, 4, C + 1, H, d]: the projection after the norm without its scale and shift."""
    mixer, norm = block.scan, block.scan_norm
    weight, bias = mixer.project.weight, mixer.project.bias
    absorbed = torch.cat([weight * norm.weight, (weight @ norm.bias + bias)[:, None]], dim=1)
    shape = (KINDS, len(DIRECTIONS), mixer.heads, mixer.head_size, absorbed.shape[1])
    return absorbed.reshape(shape).permute(0, 1, 4, 2, 3)


def gate_readers(blocks: Sequence[BiGDRBlock]) -> tuple[Tensor, Tensor]:
    """Matrices [S, 4, 2C, 2H] and biases [S, 4, 1, 2H] from silu(what gates read) to the logits of
    every head: those of alpha with their sign turned, since 1 - alpha is what is needed of it with
    all its digits, then those of beta."""
    matrices, biases = [], []
    signs = torch.tensor([-1.0, 1.0])
    for block in blocks:
        mixer = block.scan
        sign = signs.repeat_interleave(mixer.heads)
        shape = (2, len(DIRECTIONS), mixer.heads, mixer.head_size)
        weight = mixer.gates.weight.reshape(shape).transpose(0, 1).flatten(1, 2)
        own_head = torch.eye(2 * mixer.heads)[:, None, :]
        matrices.append((weight[..., None] * own_head).flatten(1, 2) * sign)
        bias = mixer.gates.bias.reshape(shape[:3]).transpose(0, 1).flatten(1)
        biases.append((bias * sign)[:, None])
    return torch.stack(matrices), torch.stack(biases)


def fusion_weights(blocks: Sequence[BiGDRBlock]) -> tuple[Tensor, Tensor]:
    """[S, 4C, 4C] and [S, 1, 4C]: from all directions' outputs to the logits of each one's share,
    a channel."""
    layers = [block.scan.fuse.weigh for block in blocks]
    weight = torch.stack([layer.weight.T for layer in layers])
    return weight, torch.stack([layer.bias for layer in layers])[:, None]


def relative_fusion_weights(blocks: Sequence[BiGDRBlock]) -> tuple[Tensor, ...]:
    """[S, 4C + 1, C] three times: from all directions' outputs, with a 1 appended, to how far the
    other directions' logits lie above the first one's.

    A softmax knows no more of its logits than that, and a quarter of the arithmetic is saved.
    """
    matrices, biases = fusion_weights(blocks)
    together = torch.cat([matrices, biases], dim=1).double()
    first, *others = torch.chunk(together, len(DIRECTIONS), dim=-1)
    return tuple((other - first).float() for other in others)


def after_norm(norms: Sequence[nn.LayerNorm], layers: Sequence[nn.Linear]) -> tuple[Tensor, Tensor]:
    """[S, in, out] and [S, 1, out]: linear layers that have their norm's scale and shift inside."""
    weights = [layer.weight * norm.weight for norm, layer in zip(norms, layers, strict=True)]
    biases = [
        layer.bias + layer.weight @ norm.bias for norm, layer in zip(norms, layers, strict=True)
    ]
    return torch.stack(weights).transpose(1, 2).contiguous(), torch.stack(biases)[:, None]
