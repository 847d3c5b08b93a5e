"""(I - A)^-1 for A strictly lower triangular, by recursive 2x2 block inversion.

log2(size) levels of matrix products. The full Neumann product (I + A)(I + A^2)... is not an
alternative: with nearly parallel keys its powers grow like binomial coefficients, while every block
of the true inverse stays bounded.
"""

from __future__ import annotations

from torch import Tensor

from bokehflow.scan.constants import identity, level_mask


def invert_unit_lower(lower: Tensor) -> Tensor:
    """Return (I - A)^-1, every level as T <- T + T A21 T with block 21 picked by a mask.

    lower: [..., C, C], C a power of two; A is what it holds below the diagonal, the rest is not
    looked at. Same shape back.
    """
    size = lower.shape[-1]
    inverse = lower * level_mask(size, 1, lower) + identity(size, lower)
    block = 2
    while block < size:
        corner = lower * level_mask(size, block, lower)
        inverse = inverse + inverse @ corner @ inverse
        block *= 2
    return inverse
