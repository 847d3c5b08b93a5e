"""Compile the kernels for a GPU that need not be there, and see what they take.

The launches are those of a real scan, recorded on tensors without memory, so what is compiled
here is what would run: the same constants and the same facts about strides and alignment.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bokehflow.kernels.checks import DIRECTION_COUNT, ScanShape
from bokehflow.kernels.direction_mix import mix_launch
from bokehflow.kernels.job import Job, Sequences
from bokehflow.kernels.key_kernels import key_gradient_kernel, key_kernel
from bokehflow.kernels.launch import Launch
from bokehflow.kernels.linear_layer import column_sum_launch
from bokehflow.kernels.mix_kernels import mix_gradient_kernel, mix_kernel
from bokehflow.kernels.norm_layer import norm_gradient_launch, norm_launch
from bokehflow.kernels.passes import both_passes
from bokehflow.kernels.plan import plan_launch
from bokehflow.kernels.triton_projected import key_launch

WARP_THREADS = 32
POINTER_ALIGNMENT = 16
"""Bytes; what torch's allocator guarantees and Triton's own launcher looks for."""

H100_PROCESSORS = 132

_TYPE_NAMES = {
    torch.float32: "fp32",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
}


@dataclass(frozen=True, slots=True)
class KernelResources:
    """What one compiled kernel takes: registers a thread, bytes of shared memory a program, and
    bytes of stack a thread, which is where spilled registers go: 0 means that none was."""

    kernel: str
    dtype: str
    head_size: int
    architecture: int
    warps: int
    registers: int
    shared_bytes: int
    stack_bytes: int


def record_launches(dtype: torch.dtype, head_size: int, height: int, width: int) -> list[Launch]:
    """Every launch of one scan, of the layers around it and of their gradients: batch 1, three
    heads, as on an H100."""
    shape = ScanShape(1, height, width, 3, head_size, head_size)
    plan = plan_launch(head_size, shape.length, shape.chains, dtype, H100_PROCESSORS)
    gates = (1, height * width, DIRECTION_COUNT, shape.heads)

    def rows() -> Tensor:
        return torch.empty(*gates, head_size, dtype=dtype, device="meta")

    gate = torch.empty(gates, dtype=dtype, device="meta")
    sequences = Sequences(rows(), rows(), rows(), gate, gate)
    state = torch.empty(shape.chains, head_size, head_size, device="meta")
    launches: list[Launch] = []
    job = Job(shape, plan, launches.append)
    both_passes(sequences, state, job)
    return [*launches, *_layer_launches(dtype, head_size, height * width)]


def _layer_launches(dtype: torch.dtype, head_size: int, tokens: int) -> list[Launch]:
    """What `layers.fused` makes of one block's keys, norm, mix of directions and bias."""
    heads, epsilon = 3, 1e-6
    channels = heads * head_size

    def empty(*shape: int, of: torch.dtype = dtype) -> Tensor:
        return torch.empty(*shape, dtype=of, device="meta")

    key = empty(1, tokens, 3, DIRECTION_COUNT, heads, head_size)[:, :, 1]
    unit = empty(1, tokens, DIRECTION_COUNT, heads, head_size)
    terms, sums = empty(tokens, DIRECTION_COUNT, channels), empty(tokens, channels)
    weight, shares = empty(channels, of=torch.float32), empty(2, 128, channels, of=torch.float32)
    return [
        key_launch(key_kernel, key, unit, epsilon),
        key_launch(key_gradient_kernel, key, key, epsilon),
        mix_launch(mix_kernel, (terms, terms), sums),
        mix_launch(mix_gradient_kernel, (terms, terms), sums, terms, terms),
        column_sum_launch(sums, shares[0]),
        norm_launch(sums, weight, weight, sums, epsilon),
        norm_gradient_launch(sums, weight, sums, sums, shares, epsilon),
    ]


def compile_launch(launch: Launch, architecture: int) -> Any:
    """Compile one launch for a compute capability (80, 90); no GPU is asked for anything."""
    signature: dict[str, Any] = {}
    constants: dict[tuple[int, ...], Any] = {}
    facts: dict[tuple[int, ...], Any] = {}
    names = launch.kernel.arg_names
    for position, value in enumerate(launch.arguments):
        signature[names[position]] = _describe(value, (position,), constants, facts)
    for name, value in launch.constants.items():
        signature[name] = "constexpr"
        constants[(names.index(name),)] = value
    source = ASTSource(launch.kernel, signature, constants, facts)
    return triton.compile(source, GPUTarget("cuda", architecture, WARP_THREADS), launch.options)


def measure(
    launch: Launch, dtype: torch.dtype, head_size: int, architecture: int
) -> KernelResources:
    """Compile one launch and read its machine code's resource usage."""
    compiled = compile_launch(launch, architecture)
    usage = _resource_usage(compiled.asm["cubin"])
    return KernelResources(
        kernel=launch.kernel.__name__,
        dtype=_TYPE_NAMES[dtype],
        head_size=head_size,
        architecture=architecture,
        warps=launch.warps,
        registers=usage["REG"],
        shared_bytes=compiled.metadata.shared,
        stack_bytes=usage["STACK"],
    )


def _describe(
    value: Any,
    path: tuple[int, ...],
    constants: dict[tuple[int, ...], Any],
    facts: dict[tuple[int, ...], Any],
) -> Any:
    """Triton's name for an argument's type, as its launcher would specialise it: the integer 1
    becomes a constant, and divisibility by 16 a fact."""
    if isinstance(value, tuple):
        return tuple(_describe(x, (*path, i), constants, facts) for i, x in enumerate(value))
    if isinstance(value, Tensor):
        facts[path] = [["tt.divisibility", POINTER_ALIGNMENT]]
        return "*" + _TYPE_NAMES[value.dtype]
    if isinstance(value, float):
        return "fp32"
    if value == 1:
        constants[path] = 1
        return "constexpr"
    if value % POINTER_ALIGNMENT == 0:
        facts[path] = [["tt.divisibility", POINTER_ALIGNMENT]]
    return "i32" if -(2**31) <= value < 2**31 else "i64"


def _resource_usage(cubin: bytes) -> dict[str, int]:
    """REG, STACK, SHARED and so on of a program with one kernel, from NVIDIA's cuobjdump."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        command = [triton.knobs.nvidia.cuobjdump.path, "-res-usage", str(path)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    usage = {name: int(value) for name, value in re.findall(r"\b([A-Z]+):(\d+)", text)}
    assert {"REG", "STACK"} <= usage.keys(), f"no resource usage in cuobjdump's answer: {text}"
    return usage
