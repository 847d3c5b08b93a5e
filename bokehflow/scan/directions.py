"""The four orders in which a feature map is scanned, and the scan over all four at once.

Direction 0 is raster order, 1 its reverse, 2 column-major order, 3 its reverse (founding document,
section 3.1). Tensors keep raster order outside; only the inside of the scan sees another one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels.checks import SMALLEST_LOG_DECAY, ScanTensors, scan_shape
from bokehflow.scan.chunk import (
    DEFAULT_CHUNK_SIZE,
    DEFAULT_INTER_CHUNK,
    chunk_folded,
)
from bokehflow.scan.inputs import ScanInputs, in_widest_dtype
from bokehflow.scan.naive import naive_gated_delta
from bokehflow.scan.transitions import InterChunk

DIRECTIONS = ("raster", "reverse_raster", "column_major", "reverse_column_major")


def to_scan_order(x: Tensor, height: int, width: int) -> Tensor:
    """Bring [B, T, 4, N] in raster order to [B, 4, T, N], each direction in its own order.

    T = height x width. Raises SizeError when it is not, or when axis 2 is not the directions.
    """
    batch, length, directions, channels = x.shape
    if length != height * width or directions != len(DIRECTIONS):
        raise SizeError(
            f"a scan input of shape {tuple(x.shape)}",
            f"[B, {height} x {width} = {height * width} tokens, 4 directions, ...]",
        )
    raster, reverse_raster, columns = torch.split(x.transpose(1, 2), [1, 1, 2], dim=1)
    grid = columns.reshape(batch * 2, height, width, channels).transpose(1, 2)
    column, reverse_column = torch.split(grid.reshape(batch, 2, length, channels), [1, 1], dim=1)
    return torch.cat([raster, reverse_raster.flip(2), column, reverse_column.flip(2)], dim=1)


def from_scan_order(o: Tensor, height: int, width: int) -> Tensor:
    """The way back: [B, 4, T, N] in scan order to [B, T, 4, N] in raster order."""
    batch, _, length, channels = o.shape
    raster, reverse_raster, column, reverse_column = torch.split(o, 1, dim=1)
    columns = torch.cat([column, reverse_column.flip(2)], dim=1)
    grid = columns.reshape(batch * 2, width, height, channels).transpose(1, 2)
    columns = grid.reshape(batch, 2, length, channels)
    return torch.cat([raster, reverse_raster.flip(2), columns], dim=1).transpose(1, 2)


def chunk_scan_2d(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None,
    height: int,
    width: int,
    *,
    chunk_size: int = DEFAULT_CHUNK_SIZE,
    inter_chunk: InterChunk = DEFAULT_INTER_CHUNK,
    segments: int = 1,
) -> tuple[Tensor, Tensor]:
    """Scan a feature map in all four directions with the chunked form.

    q, k: [B, T, 4, H, K]; v: [B, T, 4, H, V]; log_decay, beta: [B, T, 4, H]; T = height x width
    tokens in raster order. initial_state: [B, 4, H, K, V], zeros when None.
    segments: cut each scan in so many equal stretches of whole rows or columns, in the order of
    the scan, that start from states of their own: initial_state and final state are then
    [B, segments, 4, H, K, V].
    Returns o [B, T, 4, H, V], every output at its token's place, and the final state, both in the
    widest dtype of the inputs. Differentiable any number of times.
    Raises SizeError for shapes that do not fit and where the segments do not divide height and
    width, UsageError for numbers that are not floating point.
    """

    def scan(folded: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        decays = folded.log_decay.clamp(min=SMALLEST_LOG_DECAY)
        return chunk_folded(folded._replace(log_decay=decays), state, chunk_size, inter_chunk)

    inputs = ScanInputs(q, k, v, log_decay, beta)
    return _scan_2d(scan, inputs, initial_state, height, width, segments)


def naive_scan_2d(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None,
    height: int,
    width: int,
    segments: int = 1,
) -> tuple[Tensor, Tensor]:
    """The slow, obvious twin of `chunk_scan_2d`, with the same inputs and outputs."""

    inputs = ScanInputs(q, k, v, log_decay, beta)
    return _scan_2d(_naive_folded, inputs, initial_state, height, width, segments)


def _naive_folded(inputs: ScanInputs, initial_state: Tensor) -> tuple[Tensor, Tensor]:
    """`naive_gated_delta` with batch and heads folded into one axis, as in `chunk_folded`."""
    q, k, v, log_decay, beta = (x.unsqueeze(2) for x in inputs)
    o, final = naive_gated_delta(q, k, v, log_decay, beta, initial_state.unsqueeze(1))
    return o.squeeze(2), final.squeeze(1)


def _scan_2d(
    scan: Callable[[ScanInputs, Tensor], tuple[Tensor, Tensor]],
    inputs: ScanInputs,
    initial_state: Tensor | None,
    height: int,
    width: int,
    segments: int,
) -> tuple[Tensor, Tensor]:
    """Order, fold batch, directions and heads into one axis, scan, and bring everything back.

    All five inputs travel as one tensor, so that a graph holds one reordering where it would hold
    five, and no tensor has more than five axes.
    """
    scan_shape(ScanTensors(*inputs, initial_state), height, width, segments)
    (q, k, v, log_decay, beta), initial_state = in_widest_dtype(inputs, initial_state)
    batch, length, directions, heads, key_size = k.shape
    value_size = v.shape[-1]
    streams = batch * directions * heads
    parts = (q, k, v, log_decay.unsqueeze(-1), beta.unsqueeze(-1))
    sizes = [key_size, key_size, value_size, 1, 1]
    packed = to_scan_order(torch.cat(parts, dim=-1).flatten(3), height, width)
    by_head = packed.reshape(batch * directions, length, heads, sum(sizes)).transpose(1, 2)
    folded = by_head.reshape(streams, length, sum(sizes))
    if segments > 1:
        folded = _cut(folded, batch, segments)
    q, k, v, log_decay, beta = torch.split(folded, sizes, dim=-1)
    if initial_state is None:
        state = v.new_zeros(streams * segments, key_size, value_size)
    else:
        state = initial_state.reshape(streams * segments, key_size, value_size)
    o, final = scan(ScanInputs(q, k, v, log_decay.squeeze(-1), beta.squeeze(-1)), state)
    if segments > 1:
        o = _join(o, batch, segments)
    o = o.reshape(batch * directions, heads, length, value_size).transpose(1, 2)
    o = o.reshape(batch, directions, length, heads * value_size)
    o = from_scan_order(o, height, width).reshape(batch, length, directions, heads, value_size)
    cut = () if segments == 1 else (segments,)
    return o, final.reshape(batch, *cut, directions, heads, key_size, value_size)


def _cut(folded: Tensor, batch: int, segments: int) -> Tensor:
    """[B x N, T, S] in scan order as [B x segments x N, T / segments, S]."""
    streams, length, size = folded.shape
    parts = folded.reshape(batch, streams // batch, segments, length // segments, size)
    return parts.transpose(1, 2).reshape(streams * segments, length // segments, size)


def _join(o: Tensor, batch: int, segments: int) -> Tensor:
    """The way back of `_cut`."""
    streams, length, size = o.shape[0] // segments, o.shape[1], o.shape[2]
    parts = o.reshape(batch, segments, streams // batch, length, size)
    return parts.transpose(1, 2).reshape(streams, segments * length, size)
