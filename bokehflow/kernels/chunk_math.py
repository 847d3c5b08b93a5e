"""The algebra of one chunk of C tokens, shared by every kernel.

Rows are tokens in scan order. With S the state [K, V] before the chunk, g the running sum of the
log decays, Gam[t, s] = e^(g_t - g_s) for s <= t and D = diag(beta):
    A = D strict_lower(K K^T * Gam),  T = (I + A)^-1,  U = T D (V - e^g K S)
    O = e^g Q S + (Q K^T * Gam) U,    S_next = e^(g_C) S + (e^(g_C - g) K)^T U
Source: Yang et al., "Gated Delta Networks" (arXiv 2412.06464), section 3.3, without its W.
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels import checks

SMALLEST_LOG_DECAY = tl.constexpr(checks.SMALLEST_LOG_DECAY)


@triton.jit
def matmul(a, b, PRECISION: tl.constexpr):
    """a @ b in fp32 with PRECISION 'ieee' (fp32 inputs) or 'tf32' (half-precision inputs)."""
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def strictly_lower(C: tl.constexpr):
    """[C, C], true strictly below the diagonal."""
    return tl.arange(0, C)[:, None] > tl.arange(0, C)[None, :]


@triton.jit
def chunk_decays(log_decay, C: tl.constexpr):
    """Decays of a chunk from its log decays [C]: e^g [C], Gam [C, C], e^(g_C - g) [C], e^(g_C).

    Gam is strictly lower here; its diagonal is one. A difference g_t - g_s must keep fp32's
    relative precision after a decay of 1e-12 has made both terms large, so the running sum is
    taken in fp64 and split in two fp32 parts. Nothing is exponentiated before it is masked.
    """
    # A decay of exactly 0 has an infinite logarithm, of which no difference can be taken.
    wide = tl.maximum(log_decay, SMALLEST_LOG_DECAY).to(tl.float64)
    running = tl.cumsum(wide, 0)
    total = tl.sum(wide, 0)
    high = running.to(tl.float32)
    low = (running - high.to(tl.float64)).to(tl.float32)
    difference = (high[:, None] - high[None, :]) + (low[:, None] - low[None, :])
    pairs = tl.exp(tl.where(strictly_lower(C), difference, float("-inf")))
    to_end = tl.exp((total - running).to(tl.float32))
    return tl.exp(high), pairs, to_end, tl.exp(total.to(tl.float32))


@triton.jit
def _join_blocks(T, A, SIZE: tl.constexpr, C: tl.constexpr, PRECISION: tl.constexpr):
    """From the inverses of the diagonal blocks of SIZE rows to those of 2 SIZE rows."""
    rows, cols = tl.arange(0, C)[:, None], tl.arange(0, C)[None, :]
    joins = (rows // (2 * SIZE) == cols // (2 * SIZE)) & (rows // SIZE != cols // SIZE)
    half = matmul(T, tl.where(joins, A, 0.0), PRECISION)
    return T - matmul(half, T, PRECISION)


@triton.jit
def unit_lower_inverse(A, C: tl.constexpr, PRECISION: tl.constexpr):
    """(I + A)^-1 of a strictly lower A [C, C] by recursive 2x2 block inversion.

    T holds the inverses of the diagonal blocks; each level doubles them: T21 = -T22 A21 T11.
    The Neumann product would be shorter and loses all digits when keys are nearly parallel.
    """
    rows, cols = tl.arange(0, C)[:, None], tl.arange(0, C)[None, :]
    T = tl.where(rows == cols, 1.0, 0.0) - tl.where(rows // 2 == cols // 2, A, 0.0)
    for level in tl.static_range(1, 6):
        if 2**level < C:
            T = _join_blocks(T, A, 2**level, C, PRECISION)
    return T


@triton.jit
def chunk_system(keys, b, log_decay, C: tl.constexpr, PRECISION: tl.constexpr):
    """What a chunk needs besides states: N = strict_lower(K K^T * Gam), T and its decays."""
    grown, pairs, to_end, decay = chunk_decays(log_decay, C)
    N = matmul(keys, tl.trans(keys), PRECISION) * pairs
    T = unit_lower_inverse(b[:, None] * N, C, PRECISION)
    return N, T, grown, pairs, to_end, decay


@triton.jit
def attention(queries, keys, pairs, C: tl.constexpr, PRECISION: tl.constexpr):
    """P = lower(Q K^T * Gam), with the diagonal of Gam put back, and that Gam; both [C, C]."""
    diagonal = tl.arange(0, C)[:, None] == tl.arange(0, C)[None, :]
    pairs = tl.where(diagonal, 1.0, pairs)
    return matmul(queries, tl.trans(keys), PRECISION) * pairs, pairs
