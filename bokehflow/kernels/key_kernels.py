"""Keys brought to unit length, and the gradient of that, where they lie in a projection."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _places(first, count, chains, K: tl.constexpr, BK: tl.constexpr, BR: tl.constexpr):
    """Of rows first, first + 1, ...: token and offset [BR, BK] within it, and which exist."""
    rows, channels = first + tl.arange(0, BR), tl.arange(0, BK)
    within = (rows % chains)[:, None] * K + channels[None, :]
    inside = (rows < count)[:, None] & (channels < K)[None, :]
    return (rows // chains).to(tl.int64)[:, None], within, inside


@triton.jit
def key_kernel(
    x, y, count, chains, x_token, y_token, epsilon,
    K: tl.constexpr, BK: tl.constexpr, BR: tl.constexpr,
):  # fmt: skip
    """y = x / sqrt(|x|^2 + epsilon) of `count` keys, `chains` of them a token.

    x_token, y_token: elements from a token to the next. Program: BR keys.
    """
    token, within, inside = _places(tl.program_id(0) * BR, count, chains, K, BK, BR)
    key = tl.load(x + token * x_token + within, mask=inside, other=0.0).to(tl.float32)
    unit = key * tl.rsqrt(tl.sum(key * key, 1) + epsilon)[:, None]
    tl.store(y + token * y_token + within, unit.to(y.dtype.element_ty), mask=inside)


@triton.jit
def key_gradient_kernel(
    x, grad, count, chains, x_token, grad_token, epsilon,
    K: tl.constexpr, BK: tl.constexpr, BR: tl.constexpr,
):  # fmt: skip
    """Turn the gradient of y into that of x, in place.

    With s = 1 / sqrt(|x|^2 + epsilon) and y = s x: grad_x = s (grad_y - y (y . grad_y)).
    """
    token, within, inside = _places(tl.program_id(0) * BR, count, chains, K, BK, BR)
    key = tl.load(x + token * x_token + within, mask=inside, other=0.0).to(tl.float32)
    place = grad + token * grad_token + within
    upstream = tl.load(place, mask=inside, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(key * key, 1) + epsilon)[:, None]
    unit = key * scale
    down = scale * (upstream - unit * tl.sum(unit * upstream, 1)[:, None])
    tl.store(place, down.to(grad.dtype.element_ty), mask=inside)
