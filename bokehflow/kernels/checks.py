"""The inputs that every scan kernel takes, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.errors import NumericalError, SizeError, UsageError

MAX_HEAD_SIZE = 64
"""Beyond this a state no longer fits the registers of one program."""

DIRECTION_COUNT = 4
PROJECTED_AXES = 6

SMALLEST_LOG_DECAY = -1e3
"""exp of this is 0 in every dtype; a decay of exactly 0 counts as this."""


@dataclass(frozen=True, slots=True)
class ScanShape:
    """Sizes of one scan: batch x segments x 4 x heads chains of `length` tokens each."""

    batch: int
    height: int
    width: int
    heads: int
    key_size: int
    value_size: int
    segments: int = 1

    @property
    def length(self) -> int:
        """Tokens of one chain."""
        return self.height * self.width // self.segments

    @property
    def chains(self) -> int:
        """Independent recurrences."""
        return self.batch * self.segments * DIRECTION_COUNT * self.heads

    @property
    def state_shape(self) -> tuple[int, ...]:
        """[B, 4, H, K, V], with the segments after the batch when there are several."""
        segments = () if self.segments == 1 else (self.segments,)
        return (self.batch, *segments, DIRECTION_COUNT, self.heads, self.key_size, self.value_size)


@dataclass(frozen=True, slots=True)
class ScanTensors:
    """The six inputs of a scan; `check_inputs` looks at them."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor
    initial_state: Tensor | None


def split_projection(qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """q, k and v [B, T, 4, H, K] of a projection [B, T, 3, 4, H, K], as views. Raises SizeError."""
    if qkv.dim() != PROJECTED_AXES or qkv.shape[2] != len(("q", "k", "v")):
        raise SizeError(f"qkv of shape {tuple(qkv.shape)}", "[B, T, 3, 4, H, size]")
    q, k, v = qkv.unbind(2)
    return q, k, v


def check_inputs(
    tensors: ScanTensors,
    height: int,
    width: int,
    segments: int,
    dtypes: tuple[torch.dtype, ...],
) -> ScanShape:
    """Return the scan's sizes, or raise what is wrong with its inputs.

    q, k [B, T, 4, H, K], v [B, T, 4, H, V], gates [B, T, 4, H], T = height x width; the initial
    state [B, 4, H, K, V] or [B, segments, 4, H, K, V]. q, k and v share one of `dtypes`; the gates
    and the state have that one or, beside half precision, float32.
    Raises SizeError for shapes, UsageError for dtypes and devices. While torch's anomaly
    detection is on, also NumericalError for a log decay above zero.
    """
    shape = scan_shape(tensors, height, width, segments)
    sizes = shape.key_size, shape.value_size
    if max(sizes) > MAX_HEAD_SIZE:
        raise SizeError(f"heads of size {sizes[0]} and {sizes[1]}", f"1 to {MAX_HEAD_SIZE}")
    _check_kinds(tensors, dtypes)
    if torch.is_anomaly_enabled() and bool((tensors.log_decay > 0).any()):
        highest = float(tensors.log_decay.max())
        raise NumericalError(f"log_decay reaches {highest:g}", "values <= 0, the log of 0..1")
    return shape


def require_whole_lines(height: int, width: int, segments: int) -> None:
    """Raise SizeError for a map of tokens that so many segments of whole lines do not share."""
    if min(height, width, segments) < 1 or height % segments or width % segments:
        raise SizeError(
            f"{segments} segments of a map of {height} x {width}",
            "a number of segments that divides height and width, all at least 1",
        )


def scan_shape(tensors: ScanTensors, height: int, width: int, segments: int) -> ScanShape:
    """The sizes of a scan whose inputs fit together. Raises SizeError for others."""
    k, v = tensors.k, tensors.v
    if k.dim() != 5 or v.dim() != 5:
        raise SizeError(
            f"k and v of shapes {tuple(k.shape)} and {tuple(v.shape)}", "[B, T, 4, H, size]"
        )
    require_whole_lines(height, width, segments)
    batch, _, _, heads, key_size = k.shape
    shape = ScanShape(batch, height, width, heads, key_size, v.shape[-1], segments)
    gates = (batch, height * width, DIRECTION_COUNT, heads)
    wanted = {
        "q": (*gates, key_size),
        "k": (*gates, key_size),
        "v": (*gates, shape.value_size),
        "log_decay": gates,
        "beta": gates,
        "initial_state": shape.state_shape,
    }
    require_shapes({name: getattr(tensors, name) for name in wanted}, wanted)
    if min(key_size, shape.value_size) < 1:
        raise SizeError(f"heads of size {key_size} and {shape.value_size}", "at least 1")
    if batch < 1 or heads < 1:
        raise SizeError(f"a batch of {batch} with {heads} heads", "at least one of each")
    return shape


def require_shapes(
    tensors: Mapping[str, Tensor | None], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise SizeError for a tensor that is there and of another shape than its name wants."""
    for name, shape in wanted.items():
        tensor = tensors[name]
        if tensor is not None and tuple(tensor.shape) != shape:
            raise SizeError(f"{name} of shape {tuple(tensor.shape)}", f"{shape}")


def _check_kinds(tensors: ScanTensors, dtypes: tuple[torch.dtype, ...]) -> None:
    q = tensors.q
    if q.dtype not in dtypes:
        names = ", ".join(str(dtype) for dtype in dtypes)
        raise UsageError(f"q has dtype {q.dtype}", f"one of {names}")
    state_types = {q.dtype, torch.float32 if q.dtype.itemsize < 4 else q.dtype}
    allowed = {
        "k": {q.dtype},
        "v": {q.dtype},
        "log_decay": state_types,
        "beta": state_types,
        "initial_state": state_types,
    }
    for name, kinds in allowed.items():
        tensor = getattr(tensors, name)
        if tensor is None:
            continue
        if tensor.dtype not in kinds:
            raise UsageError(
                f"{name} has dtype {tensor.dtype} beside q's {q.dtype}",
                " or ".join(sorted(str(kind) for kind in kinds)),
            )
        if tensor.device != q.device:
            raise UsageError(f"{name} is on {tensor.device} and q on {q.device}", "one device")
