"""Layers of one pyramid level that are blurred by one convolution.

Engines compute a depthwise convolution in blocks of 16 channels; one layer has but four.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.aperture import level_kernel
from bokehflow.rendering.bank import BankLayer

LAYERS_PER_PACK = 4

Pack = tuple[int, ...]
"""Indices into a bank."""


def packs_of(bank: Sequence[BankLayer]) -> tuple[Pack, ...]:
    """All layers of a bank: the one that is not blurred, then those of a level, of like radius."""
    packs: list[Pack] = [tuple(i for i, layer in enumerate(bank) if layer.radius_px == 0)]
    for level in sorted({layer.level for layer in bank}):
        members = [i for i, layer in enumerate(bank) if layer.level == level and layer.radius_px]
        members.sort(key=lambda index: -abs(bank[index].radius_px))
        starts = range(0, len(members), LAYERS_PER_PACK)
        packs += [tuple(members[start : start + LAYERS_PER_PACK]) for start in starts]
    return tuple(packs)


def pack_kernel(
    layers: Sequence[BankLayer], channels: int, blades: int, rotation_deg: float
) -> Tensor:
    """The weights [len(layers) * channels, 1, k, k] of a pack's depthwise convolution, float32."""
    kernels = [level_kernel(x.radius_px, x.level, blades, rotation_deg) for x in layers]
    side = max(kernel.shape[0] for kernel in kernels)
    padded = [F.pad(kernel, ((side - kernel.shape[0]) // 2,) * 4) for kernel in kernels]
    each = torch.stack(padded).to(torch.float32).repeat_interleave(channels, 0)
    return each[:, None].contiguous()
