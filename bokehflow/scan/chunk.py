"""The gated delta rule in chunks: the same recurrence as static-shape matrix products.

Inside a chunk of C tokens, with g = cumsum(log_decay), Gam[t, s] = exp(g_t - g_s) for s <= t,
D = diag(beta) and states kept as [K, V]:

    T = (I + D tril(K K^T * Gam, -1))^-1        U = T D V        W = T D (e^g * K)
    P = (Q K^T) * Gam                           R = e^g * Q - P W
    M = e^{g_C} I - (e^{g_C - g} * K)^T W       B = (e^{g_C - g} * K)^T U
    S_n = M_n S_{n-1} + B_n                     O = P U + R S_{n-1}

Source: Yang et al., "Gated Delta Networks" (arXiv 2412.06464), section 3.3, with the inverse by
blocks (`solve.py`) and the recurrence over chunks in a scheme of choice (`transitions.py`).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import SizeError, UnknownNameError
from bokehflow.kernels.checks import SMALLEST_LOG_DECAY
from bokehflow.scan.constants import (
    identity,
    lower_ones,
    state_rows,
    strictly_lower_ones,
    unit_rows,
    upper_ones,
)
from bokehflow.scan.inputs import ScanInputs, check_sequences, in_widest_dtype
from bokehflow.scan.solve import invert_unit_lower
from bokehflow.scan.transitions import INTER_CHUNK_SCHEMES, InterChunk, carry_states, plan_groups
from bokehflow.specs import is_whole

DEFAULT_CHUNK_SIZE = 16
DEFAULT_INTER_CHUNK: InterChunk = "two_level"


def chunk_gated_delta(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None = None,
    *,
    chunk_size: int = DEFAULT_CHUNK_SIZE,
    inter_chunk: InterChunk = DEFAULT_INTER_CHUNK,
) -> tuple[Tensor, Tensor]:
    """The chunked twin of `naive_gated_delta`, for any number of tokens.

    q, k: [B, T, H, K]; v: [B, T, H, V]; log_decay (<= 0) and beta (0..1): [B, T, H];
    initial_state: [B, H, K, V], zeros when None. k is expected to be l2-normalised; scale 1.
    chunk_size: tokens a chunk, a power of two. inter_chunk: see `transitions.py`.
    Returns o [B, T, H, V] and the final state [B, H, K, V], in the widest dtype of the inputs.
    Raises SizeError for shapes that do not fit and a chunk size that is no power of two,
    UnknownNameError for the scheme, UsageError for numbers that are not floating point.
    """
    inputs = ScanInputs(q, k, v, log_decay, beta)
    check_sequences(inputs, initial_state)
    (q, k, v, log_decay, beta), initial_state = in_widest_dtype(inputs, initial_state)
    batch, length, heads, key_size = k.shape

    def fold(x: Tensor) -> Tensor:
        return x.transpose(1, 2).reshape(batch * heads, length, *x.shape[3:])

    state = v.new_zeros(batch * heads, key_size, v.shape[-1])
    if initial_state is not None:
        state = initial_state.reshape(batch * heads, key_size, v.shape[-1])
    # A decay of exactly 0 has an infinite logarithm, which sums of products cannot hold.
    log_decay = log_decay.clamp(min=SMALLEST_LOG_DECAY)
    folded = ScanInputs(*(fold(x) for x in (q, k, v, log_decay, beta)))
    o, final = chunk_folded(folded, state, chunk_size, inter_chunk)
    o = o.reshape(batch, heads, length, -1).transpose(1, 2)
    return o, final.reshape(batch, heads, key_size, -1)


def chunk_folded(
    inputs: ScanInputs, initial_state: Tensor, chunk_size: int, inter_chunk: InterChunk
) -> tuple[Tensor, Tensor]:
    """`chunk_gated_delta` with batch and heads already folded into one axis N.

    q, k: [N, T, K]; v: [N, T, V]; log_decay, beta: [N, T]; initial_state: [N, K, V].
    Returns o [N, T, V] and the final state [N, K, V], in the dtype of the inputs; under autocast
    too, which would round the state.
    """
    require_scheme(chunk_size, inter_chunk)
    kind = initial_state.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        with torch.autocast(kind, enabled=False):
            return chunk_folded(inputs, initial_state, chunk_size, inter_chunk)
    q, k, v, log_decay, beta = inputs
    batch, length = k.shape[:2]
    groups = plan_groups(-(-length // chunk_size), inter_chunk)
    chunks = math.prod(groups)
    spare = chunks * chunk_size - length
    if spare:
        # log_decay 0 and beta 0 leave the state as it is, so the final state needs no care.
        q, k, v = (F.pad(x, (0, 0, 0, spare)) for x in (q, k, v))
        log_decay, beta = (F.pad(x, (0, spare)) for x in (log_decay, beta))
    flat = batch * chunks
    q, k, v = (x.reshape(flat, chunk_size, -1) for x in (q, k, v))
    gates = (gate.reshape(flat, chunk_size) for gate in (log_decay, beta))
    readout, maps = _within_chunk(q, k, v, *gates)
    by_chunk = maps.reshape(batch, chunks, *maps.shape[1:])
    below = identity(v.shape[-1], v).expand(batch, -1, -1)
    start = torch.cat([initial_state, below], dim=1)
    starts, end = carry_states(by_chunk, start, groups, inter_chunk)
    o = readout @ starts.reshape(flat, *starts.shape[2:])
    o = o.reshape(batch, chunks * chunk_size, -1)
    return (o[:, :length] if spare else o), end[:, : k.shape[-1]]


def _within_chunk(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor]:
    """Everything that needs no state: (R | P U), and (M | B) over (0 | I).

    q, k: [F, C, K]; v: [F, C, V]; log_decay, beta: [F, C], F = batch x chunks.
    Returns [F, C, K + V] and [F, K + V, K + V]: what acts on a state with an identity below it, so
    that a product is all there is to reading it and to moving it on.
    """
    size, key_size, width = k.shape[1], k.shape[2], k.shape[2] + v.shape[2]
    # g_t - g_s as the sum of what lies between, since differences of a running sum lose their
    # digits where fast and slow decays share a chunk. Every sum is <= 0, so no exp overflows.
    between = (log_decay[:, None] * lower_ones(size, k)) @ strictly_lower_ones(size, k)
    decay = between.exp() * lower_ones(size, k)
    from_start = (log_decay @ upper_ones(size, k)).exp()[:, :, None]
    keys_t, strength = k.transpose(1, 2), beta[:, :, None]
    erased = k * -strength
    # Signs as in I - A, so that everything below is a sum: (-W | U).
    inverse = invert_unit_lower((erased @ keys_t) * decay)
    solved = inverse @ torch.cat([erased * from_start, v * strength], dim=-1)
    readout = ((q @ keys_t) * decay) @ solved + F.pad(q * from_start, (0, width - key_size))
    to_end = decay[:, -1].reshape(-1, size, 1)
    written = F.pad(k * to_end, (0, width - key_size)).transpose(1, 2) @ solved
    kept = from_start[:, -1:] * state_rows(key_size, width, k) + unit_rows(key_size, width, k)
    return readout, written + kept


def require_scheme(chunk_size: int, inter_chunk: str) -> None:
    """Raise SizeError for a chunk size that is none, UnknownNameError for an unknown scheme."""
    if not is_whole(chunk_size) or chunk_size < 2 or chunk_size & (chunk_size - 1):
        raise SizeError(f"chunk_size={chunk_size!r}", "a power of two, at least 2")
    if inter_chunk not in INTER_CHUNK_SCHEMES:
        raise UnknownNameError("inter-chunk scheme", inter_chunk, INTER_CHUNK_SCHEMES)
