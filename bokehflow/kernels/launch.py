"""From tensors to kernel launches: views, grids and compile-time constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bokehflow.kernels.checks import ScanShape
from bokehflow.kernels.plan import CHUNK, LaunchPlan, Layout

ALIGNED_UNIT = 8
"""Strides are passed in multiples of this many elements when all of them allow it."""

FARTHEST = 2**31
"""Units: an offset within one image is held in 32 bits where strides are counted in units."""

View = tuple[Tensor | int, ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """One kernel launch. arguments are positional, constants are compile-time by name; stages and
    registers as in a `Layout`."""

    kernel: Any
    grid: tuple[int, ...]
    arguments: tuple[Any, ...]
    constants: dict[str, Any]
    warps: int
    stages: int = 1
    registers: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """What the compiler is told. Fused multiply-add is Triton's present default, stated because
        it will change."""
        options = {
            "num_warps": self.warps,
            "num_stages": self.stages,
            "enable_fp_fusion": True,
        }
        return options | ({"maxnreg": self.registers} if self.registers else {})


Run = Callable[[Launch], None]


def laid_out(
    kernel: Any,
    grid: tuple[int, ...],
    arguments: tuple[Any, ...],
    constants: dict[str, Any],
    layout: Layout,
) -> Launch:
    """The launch of a kernel in a layout."""
    return Launch(kernel, grid, arguments, constants, layout.warps, layout.stages, layout.registers)


def run_now(launch: Launch) -> None:
    """Queue the launch on the current CUDA stream."""
    launch.kernel[launch.grid](*launch.arguments, **launch.constants, **launch.options)


def rows_each(count: int, rows: int, most_programs: int) -> int:
    """Of `count` rows, how many a program takes, a multiple of `rows`, so that no more than
    `most_programs` are needed."""
    return rows * max(1, -(-count // (rows * most_programs)))


def row_unit(*tensors: Tensor) -> int:
    """The stride unit that all these [B, T, 4, H, D] tensors allow: 8 or 1."""
    aligned = all(
        x.stride(-1) == 1
        and all(s % ALIGNED_UNIT == 0 for s in x.stride()[:-1])
        and x.shape[1] * x.stride(1) // ALIGNED_UNIT < FARTHEST
        for x in tensors
    )
    return ALIGNED_UNIT if aligned else 1


def row_view(tensor: Tensor, unit: int) -> View:
    """The view of a [B, T, 4, H, D] tensor that `addressing` reads."""
    *strides, channel = tensor.stride()
    return (tensor, *(stride // unit for stride in strides), channel)


def gate_view(tensor: Tensor) -> View:
    """The view of a [B, T, 4, H] tensor that `addressing` reads."""
    return (tensor, *tensor.stride())


def kernel_shape(shape: ScanShape) -> tuple[int, ...]:
    """The shape tuple of `addressing`."""
    return (shape.heads, shape.segments, shape.length, shape.height, shape.width)


def kernel_constants(
    shape: ScanShape, plan: LaunchPlan, layout: Layout, unit: int
) -> dict[str, Any]:
    """Compile-time constants of the walks and of the per-chunk kernel."""
    return {
        "K": shape.key_size,
        "V": shape.value_size,
        "BK": plan.block,
        "BV": layout.columns,
        "C": CHUNK,
        "UNIT": unit,
    }
