"""Crops of many pictures at once, each its own, brought to one size.

A picture is resized along its rows and along its columns by a matrix each: in a batch, crops of
any size and place are two matrix products. The same values as `torch.nn.functional.interpolate`.
"""

from __future__ import annotations

import torch
from torch import Tensor


def smoothing(first: Tensor, length: Tensor, source: int, target: int, mirrored: Tensor) -> Tensor:
    """Matrices [B, target, source] that resize a stretch of a line linearly, without aliases.

    first, length: [B], the stretch in px; mirrored: [B] bool, of each stretch.
    """
    scale = (length / target)[:, None, None]
    centre = (_places(target, mirrored)[:, :, None] + 0.5) * scale
    place = torch.arange(source, device=first.device) + 0.5 - first[:, None, None]
    inside = (place > 0.0) & (place < length[:, None, None])
    weights = (1.0 - ((place - centre).abs() / scale.clamp(min=1.0))).clamp(min=0.0) * inside
    return weights / weights.sum(2, keepdim=True)


def nearest(first: Tensor, length: Tensor, target: int, mirrored: Tensor) -> Tensor:
    """The pixel [B, target] of a line that each of a stretch shows when resized without mixing.

    first, length, mirrored: as of `smoothing`.
    """
    # Mirrored before it is resized, as pictures are, which tells where two pixels are as near.
    line = torch.arange(target, dtype=torch.float32, device=mirrored.device) + 0.5
    last = length[:, None] - 1.0
    place = torch.minimum((line * (length / target)[:, None]).floor(), last)
    return (first[:, None] + torch.where(mirrored[:, None], last - place, place)).long()


def resize(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """[B, C, H, W] to [B, C, h, w] by matrices of `smoothing`, [B, h, H] and [B, w, W]."""
    return rows[:, None] @ pictures @ columns[:, None].mT


def pick(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """[B, H, W, ...] to [B, h, w, ...] at the places of `nearest`, [B, h] and [B, w]."""
    number = torch.arange(len(maps), device=maps.device)[:, None, None]
    return maps[number, rows[:, :, None], columns[:, None, :]]


def _places(target: int, mirrored: Tensor) -> Tensor:
    """[B, target]: 0, 1, ... or, where mirrored, the other way round."""
    place = torch.arange(target, dtype=torch.float32, device=mirrored.device)
    return torch.where(mirrored[:, None], target - 1.0 - place, place)
