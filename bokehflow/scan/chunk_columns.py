"""The chunked scan with tokens in columns: `chunk.py`'s products, transposed where that makes rows
long.

Accelerators pad every row of a tensor to 32 elements or more. Here rows are a chunk's tokens, or a
key and a value beside each other, and never one head's 16 channels. Symbols are those of
`chunk.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.scan.constants import (
    lower_ones,
    state_rows,
    strictly_lower_ones,
    unit_rows,
    upper_ones,
)
from bokehflow.scan.inputs import ScanInputs
from bokehflow.scan.solve import invert_unit_lower
from bokehflow.scan.transitions import InterChunk, carry_states


def chunk_columns(
    inputs: ScanInputs, initial_state: Tensor, groups: tuple[int, ...], inter_chunk: InterChunk
) -> tuple[Tensor, Tensor]:
    """`chunk.chunk_folded` for sequences that are cut into chunks of C tokens already.

    q, k: [N, n, K, C]; v: [N, n, V, C]; log_decay, beta: [N, n, 1, C]; initial_state: [N, K, V];
    groups: of `transitions.plan_groups`, n is their product. A token with log_decay 0 and beta 0
    leaves the state as it is. Returns o [N, n, V, C] and the final state [N, K, V].
    """
    key_size, width = inputs.k.shape[2], inputs.k.shape[2] + inputs.v.shape[2]
    readout, maps = _within_chunk(inputs)
    # (0 | S) over (0 | I): the state as a map, whose rows are as long as any other's.
    start = F.pad(initial_state, (key_size, 0, 0, width - key_size))
    start = start + unit_rows(key_size, width, start)
    starts, final = carry_states(maps, start, groups, inter_chunk)
    o = (starts.transpose(-1, -2) @ readout)[:, :, key_size:]
    return o, final[:, :key_size, key_size:]


def _within_chunk(inputs: ScanInputs) -> tuple[Tensor, Tensor]:
    """Everything that needs no state: (R | P U) transposed, and (M | B) over (0 | I).

    Returns [N, n, K + V, C] and [N, n, K + V, K + V].
    """
    q, k, v, log_decay, beta = inputs
    size, key_size, width = k.shape[-1], k.shape[-2], k.shape[-2] + v.shape[-2]
    rest = (0, 0, 0, width - key_size)
    between = (log_decay * lower_ones(size, k)) @ strictly_lower_ones(size, k)
    decay = between.exp() * lower_ones(size, k)
    from_start, to_end = (log_decay @ upper_ones(size, k)).exp(), decay[:, :, -1:]
    erased = k * -beta
    inverse = invert_unit_lower((erased.transpose(-1, -2) @ k) * decay)
    solved = torch.cat([erased * from_start, v * beta], dim=-2) @ inverse.transpose(-1, -2)
    attention = (q.transpose(-1, -2) @ k) * decay
    readout = solved @ attention.transpose(-1, -2) + F.pad(q * from_start, rest)
    written = F.pad(k * to_end, rest) @ solved.transpose(-1, -2)
    kept = from_start[..., -1:] * state_rows(key_size, width, k) + unit_rows(key_size, width, k)
    return readout, written + kept
