"""(I + A) X = R for A strictly lower triangular, by blocks.

Diagonal blocks are inverted by recursive 2x2 block inversion, log2(size) levels of matrix products;
between blocks it is forward substitution. The full Neumann product (I - A)(I + A^2)... is not an
alternative: with nearly parallel keys its powers grow like binomial coefficients, while every block
of the true inverse stays bounded.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.scan.constants import identity, level_mask

LEAF_SIZE = 16
"""Up to this size one masked dense product a level is cheaper than slicing blocks apart."""


def solve_unit_lower(strict_lower: Tensor, right: Tensor) -> Tensor:
    """Return (I + A)^-1 R.

    strict_lower: A, [F, C, C], C a power of two, zero on and above the diagonal; right: R,
    [F, C, W]. Returns [F, C, W].
    """
    size = strict_lower.shape[-1]
    if size <= LEAF_SIZE:
        return invert_unit_lower(strict_lower) @ right
    rows = torch.split(strict_lower, LEAF_SIZE, dim=1)
    diagonal = [row[:, :, i * LEAF_SIZE : (i + 1) * LEAF_SIZE] for i, row in enumerate(rows)]
    inverses = torch.split(invert_unit_lower(torch.cat(diagonal)), strict_lower.shape[0])
    known, *wanted = torch.split(right, LEAF_SIZE, dim=1)
    known = inverses[0] @ known
    for i, part in enumerate(wanted, start=1):
        found = inverses[i] @ (part - rows[i][:, :, : i * LEAF_SIZE] @ known)
        known = torch.cat([known, found], dim=1)
    return known


def invert_unit_lower(strict_lower: Tensor) -> Tensor:
    """Return (I + A)^-1, every level as T <- T - T A21 T with block 21 picked by a mask.

    strict_lower: [..., C, C], C a power of two, zero on and above the diagonal. Same shape back.
    """
    size = strict_lower.shape[-1]
    inverse = identity(size, strict_lower) - strict_lower * level_mask(size, 1, strict_lower)
    block = 2
    while block < size:
        corner = strict_lower * level_mask(size, block, strict_lower)
        inverse = inverse - inverse @ corner @ inverse
        block *= 2
    return inverse
