"""The algebra of one chunk of C tokens, shared by every kernel.

Rows are tokens in scan order. With S the state [K, V] before the chunk, g the running sum of the
log decays, Gam[t, s] = e^(g_t - g_s) for s <= t and D = diag(beta):
    N = strict_lower(K K^T * Gam),  T = (I + N D)^-1,  X = T (V - e^g K S),  U = D X
    O = e^g Q S + (Q K^T * Gam) U,  S_next = e^(g_C) S + (e^(g_C - g) K)^T U
Source: Yang et al., "Gated Delta Networks" (arXiv 2412.06464), section 3.3. There T = (I + D N)^-1
and U = T D (V - e^g K S), which is the same; here beta scales columns alone.

What a tensor core returns lies in registers as its next left operand must, and transposed as its
next right operand must. So matrices are kept in whichever orientation needs no other: a product's
right operand is the transpose of an earlier result, or comes from memory.
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels import checks

SMALLEST_LOG_DECAY = tl.constexpr(checks.SMALLEST_LOG_DECAY)
LOG2_E = tl.constexpr(1.4426950408889634)
INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)


@triton.jit
def operand(a, OPERANDS: tl.constexpr):
    """a rounded to the type that a product reads."""
    rounded = a.to(OPERANDS)
    # Triton's interpreter multiplies bf16's bit patterns as if they were whole numbers.
    return rounded.to(tl.float32) if INTERPRETED else rounded


@triton.jit
def matmul(a, b, OPERANDS: tl.constexpr):
    """a @ b in fp32 of a and b rounded to OPERANDS, the sequences' type; IEEE fp32 for fp32."""
    return tl.dot(operand(a, OPERANDS), operand(b, OPERANDS), input_precision="ieee")


@triton.jit
def add_matmul(total, a, b, OPERANDS: tl.constexpr):
    """total + a @ b, likewise."""
    return tl.dot(operand(a, OPERANDS), operand(b, OPERANDS), total, input_precision="ieee")


@triton.jit
def transposed(a, C: tl.constexpr, OPERANDS: tl.constexpr):
    """a^T [C, C] rounded to OPERANDS: a product with the identity, with no way through memory."""
    identity = tl.where(tl.arange(0, C)[:, None] == tl.arange(0, C)[None, :], 1.0, 0.0)
    return matmul(identity, tl.trans(a), OPERANDS)


@triton.jit
def strictly_lower(C: tl.constexpr):
    """[C, C], true strictly below the diagonal."""
    return tl.arange(0, C)[:, None] > tl.arange(0, C)[None, :]


@triton.jit
def chunk_decays(log_decay, C: tl.constexpr, OPERANDS: tl.constexpr):
    """Decays of a chunk from its log decays [C]: e^g [C], Gam [C, C], e^(g_C - g) [C], e^(g_C).

    Nothing is exponentiated before it is masked. For fp32 a difference g_t - g_s must keep its
    relative precision after a decay of 1e-12 has made both terms large, so the running sum is
    taken in fp64 and split in two fp32 parts; for half precision fp32 is enough.
    """
    # A decay of exactly 0 has an infinite logarithm, of which no difference can be taken.
    # A decay that is NaN stays so: a step with it is to be skipped, not learnt from.
    log_decay = tl.maximum(log_decay, SMALLEST_LOG_DECAY, propagate_nan=tl.PropagateNan.ALL)
    if tl.float32 == OPERANDS:
        wide = log_decay.to(tl.float64) * LOG2_E
        running, total = tl.cumsum(wide, 0), tl.sum(wide, 0)
        high = running.to(tl.float32)
        low = (running - high.to(tl.float64)).to(tl.float32)
        difference = (high[:, None] - high[None, :]) + (low[:, None] - low[None, :])
        to_end, total = (total - running).to(tl.float32), total.to(tl.float32)
    else:
        binary = log_decay * LOG2_E
        high, total = tl.cumsum(binary, 0), tl.sum(binary, 0)
        difference = high[:, None] - high[None, :]
        to_end = total - high
    lower = tl.arange(0, C)[:, None] >= tl.arange(0, C)[None, :]
    pairs = tl.exp2(tl.where(lower, difference, float("-inf")))
    return tl.exp2(high), pairs, tl.exp2(to_end), tl.exp2(total)


@triton.jit
def _join_blocks(T, T_t, A, SIZE: tl.constexpr, C: tl.constexpr, OPERANDS: tl.constexpr):
    """From the inverses of the diagonal blocks of SIZE rows to those of 2 SIZE rows; T_t is T's
    transpose, A is subtracted from the identity."""
    rows, cols = tl.arange(0, C)[:, None], tl.arange(0, C)[None, :]
    joins = (rows // (2 * SIZE) == cols // (2 * SIZE)) & (rows // SIZE != cols // SIZE)
    A_T_t = matmul(T_t, tl.trans(tl.where(joins, A, 0.0)), OPERANDS)
    joined = add_matmul(T, T, tl.trans(A_T_t), OPERANDS)
    return joined, add_matmul(T_t, A_T_t, tl.trans(T), OPERANDS)


@triton.jit
def unit_lower_inverse(A, C: tl.constexpr, OPERANDS: tl.constexpr):
    """(I - A)^-1 and its transpose, of a strictly lower A [C, C] by recursive 2x2 block inversion.

    T holds the inverses of the diagonal blocks; each level doubles them: T21 = T22 A21 T11.
    The Neumann product would be shorter and loses all digits when keys are nearly parallel.
    """
    rows, cols = tl.arange(0, C)[:, None], tl.arange(0, C)[None, :]
    T = tl.where(rows == cols, 1.0, tl.where(rows // 2 == cols // 2, A, 0.0))
    T_t = transposed(T, C, OPERANDS)
    for level in tl.static_range(1, 6):
        if 2**level < C:
            T, T_t = _join_blocks(T, T_t, A, 2**level, C, OPERANDS)
    return T, T_t


@triton.jit
def chunk_system(keys, b, log_decay, C: tl.constexpr, OPERANDS: tl.constexpr):
    """What a chunk needs besides states: N, T and T's transpose [C, C], and its decays. N has a
    diagonal, which counts for nothing.

    T is at most 1 in size for keys of unit length, so beside bf16 fp16 inverts with more digits.
    """
    grown, pairs, to_end, decay = chunk_decays(log_decay, C, OPERANDS)
    N = matmul(keys, tl.trans(keys), OPERANDS) * pairs
    INVERSE: tl.constexpr = tl.float16 if tl.bfloat16 == OPERANDS else OPERANDS
    T, T_t = unit_lower_inverse(N * (-b)[None, :], C, INVERSE)
    return N, T, T_t, grown, pairs, to_end, decay


@triton.jit
def erasers(keys, T, grown, OPERANDS: tl.constexpr):
    """-W = -T e^g K [C, K]: what a chunk's updates take from the state before it."""
    return matmul(T * (-grown)[None, :], keys, OPERANDS)


@triton.jit
def updates(S_t, minus_W, values, T, OPERANDS: tl.constexpr):
    """X^T [V, C] from the transposed state S_t [V, K] and the chunk's `erasers`: (T V - W S)^T."""
    X_t = matmul(tl.trans(values), tl.trans(T), OPERANDS)
    return add_matmul(X_t, S_t, tl.trans(minus_W), OPERANDS)


@triton.jit
def attention(queries, keys, pairs, OPERANDS: tl.constexpr):
    """P = Q K^T * Gam [C, C]."""
    return matmul(queries, tl.trans(keys), OPERANDS) * pairs
