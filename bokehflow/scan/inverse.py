"""Inverse of a unit lower-triangular matrix by recursive 2x2 block inversion.

Forward substitution in log2(size) levels of matrix products. The full Neumann product
(I - A)(I + A^2)... is not an alternative: with nearly parallel keys its powers grow like binomial
coefficients, while every block of the true inverse stays bounded.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.scan.constants import identity, level_mask

LEAF_SIZE = 16
"""Up to this size one masked dense product a level is cheaper than slicing blocks apart."""


def invert_unit_lower(strict_lower: Tensor) -> Tensor:
    """Return (I + A)^-1 for A strictly lower triangular.

    strict_lower: [..., C, C], C a power of two, zero on and above the diagonal. Same shape back.
    """
    size = strict_lower.shape[-1]
    if size <= LEAF_SIZE:
        return _invert_leaf(strict_lower)
    half = size // 2
    top = invert_unit_lower(strict_lower[..., :half, :half])
    bottom = invert_unit_lower(strict_lower[..., half:, half:])
    corner = -(bottom @ strict_lower[..., half:, :half] @ top)
    upper = torch.cat([top, torch.zeros_like(corner)], dim=-1)
    return torch.cat([upper, torch.cat([corner, bottom], dim=-1)], dim=-2)


def _invert_leaf(strict_lower: Tensor) -> Tensor:
    """Every level as T <- T - T A21 T on the whole matrix, with block 21 picked by a mask."""
    size = strict_lower.shape[-1]
    inverse = identity(size, strict_lower) - strict_lower * level_mask(size, 1, strict_lower)
    block = 2
    while block < size:
        corner = strict_lower * level_mask(size, block, strict_lower)
        inverse = inverse - inverse @ corner @ inverse
        block *= 2
    return inverse
