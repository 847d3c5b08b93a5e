"""The gated delta scan, and what stands around it, as fused kernels: Triton for CUDA, compiled code
for the CPU.

Importing this package imports neither Triton nor Numba; the first call does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.installed import needs
from bokehflow.kernels.checks import ScanTensors

__all__ = [
    "cpu_projected_scan_2d",
    "cpu_scan_2d",
    "gated_delta_scan_2d",
    "layer_norm",
    "linear",
    "mix_directions",
    "projected_scan_2d",
    "require_cpu_scan",
    "require_triton_scan",
]


def require_triton_scan() -> None:
    """Raise what `gated_delta_scan_2d` would raise on this machine, before there are tensors.

    MissingDependencyError without Triton, UsageError without a CUDA device.
    """
    with needs("triton", "cuda", "the Triton scan"):
        from bokehflow.kernels.triton_scan import check_device
    check_device(torch.device("cuda" if torch.cuda.is_available() else "cpu"))


def require_cpu_scan() -> None:
    """Raise MissingDependencyError where `cpu_scan_2d` cannot run: without Numba."""
    with needs("numba", "train", "the CPU scan"):
        import bokehflow.kernels.cpu_scan  # noqa: F401


def gated_delta_scan_2d(
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
    """Scan a feature map in four directions on a CUDA device, with gradients for every input, of
    the first order: `create_graph=True` and the transforms of `torch.func` are refused.

    q, k: [B, T, 4, H, K]; v: [B, T, 4, H, V], sizes 1 to 64; float32, float16 or bfloat16; any
    strides. T = height x width tokens in raster order; axis 2 holds the directions raster, reverse
    raster, column-major, reverse column-major.
    k is expected to be l2-normalised and is not checked; longer keys make the state grow without
    bound. No scale is applied.
    log_decay: [B, T, 4, H], natural logarithm, <= 0: a value above makes the state grow, and is an
    error only under `torch.autograd.set_detect_anomaly(True)`. beta: [B, T, 4, H], in 0..1. Both
    in the dtype of q or in float32.
    initial_state: [B, 4, H, K, V] in the dtype of q or in float32, zeros when None.
    segments: cut each scan in so many equal stretches of whole rows or columns, in the order of
    the scan, that start from states of their own: initial_state and final state are then
    [B, segments, 4, H, K, V].
    Returns o [B, T, 4, H, V] in the dtype of v, each at its token's place, and the final state in
    float32. State and gates are float32 inside; without gradients nothing is kept. Products round
    the state to the dtype of q: in float16 it must stay within 65504. In both half precisions the
    chunk's inverse is float16, whose range keys of unit length never leave.
    Raises SizeError for shapes that do not fit, UsageError for dtypes, devices and tensors that
    are not on a CUDA device, MissingDependencyError without Triton.
    Source: Yang et al., "Gated Delta Networks" (arXiv 2412.06464), section 3.3.
    """
    with needs("triton", "cuda", "the Triton scan"):
        from bokehflow.kernels.triton_scan import scan
    tensors = ScanTensors(q, k, v, log_decay, beta, initial_state)
    return scan(tensors, height, width, segments)


def projected_scan_2d(
    qkv: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None,
    height: int,
    width: int,
    segments: int = 1,
    *,
    key_epsilon: float,
) -> tuple[Tensor, Tensor]:
    """`gated_delta_scan_2d` of a projection as it comes: no copies of its parts, nor of their
    gradients.

    qkv: [B, T, 3, 4, H, K], queries, keys and values of one size. Keys are divided by
    sqrt(|k|^2 + key_epsilon). All else, and what is raised, as in `gated_delta_scan_2d`.
    """
    with needs("triton", "cuda", "the Triton scan"):
        from bokehflow.kernels.triton_projected import projected_scan
    return projected_scan(qkv, log_decay, beta, initial_state, height, width, segments, key_epsilon)


def mix_directions(logits: Tensor, values: Tensor) -> Tensor:
    """sum_d softmax(logits)_d values_d on a CUDA device: both [..., 4, C]; returns [..., C].

    Computed in float32; the result has that dtype under autocast, and that of `values` otherwise.
    Raises SizeError for other shapes, UsageError off CUDA devices, MissingDependencyError without
    Triton.
    """
    with needs("triton", "cuda", "the Triton mix of directions"):
        from bokehflow.kernels.direction_mix import mix_directions as mix
    return mix(logits, values)


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """`torch.nn.functional.linear` on a CUDA device, with a faster gradient of the bias.

    x: [..., I]; weight: [O, I]; bias: [O]. Raises SizeError for shapes that do not fit, UsageError
    off CUDA devices, MissingDependencyError without Triton.
    """
    with needs("triton", "cuda", "the Triton linear layer"):
        from bokehflow.kernels.linear_layer import linear as product
    return product(x, weight, bias)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float = 1e-5) -> Tensor:
    """Normalise the last axis on a CUDA device: x [..., C], weight, bias [C]. Computed in float32.

    Returns the dtype of x, or autocast's where that is on: what follows a norm is a product, which
    would only convert it. Raises SizeError for a weight or a bias of another length, UsageError off
    CUDA devices, MissingDependencyError without Triton.
    """
    with needs("triton", "cuda", "the Triton layer norm"):
        from bokehflow.kernels.norm_layer import layer_norm as norm
    return norm(x, weight, bias, epsilon)


def cpu_scan_2d(
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
    """`gated_delta_scan_2d` for tensors on the CPU, as a compiled token-by-token recurrence.

    The same inputs and outputs, gradients of the first order, and float64 too: all inputs in it,
    computed, and the final state returned, in it. The first call for a pair of head sizes compiles
    for some seconds.
    Raises SizeError and UsageError in the same way, MissingDependencyError without Numba.
    """
    with needs("numba", "train", "the CPU scan"):
        from bokehflow.kernels.cpu_scan import scan
    tensors = ScanTensors(q, k, v, log_decay, beta, initial_state)
    return scan(tensors, height, width, segments)


def cpu_projected_scan_2d(
    qkv: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None,
    height: int,
    width: int,
    segments: int = 1,
    *,
    key_epsilon: float,
) -> tuple[Tensor, Tensor]:
    """`cpu_scan_2d` of a projection as it comes: no copies of its parts, nor of their gradients.

    qkv: [B, T, 3, 4, H, K], queries, keys and values of one size. Keys are divided by
    sqrt(|k|^2 + key_epsilon). All else, and what is raised, as in `cpu_scan_2d`.
    """
    with needs("numba", "train", "the CPU scan"):
        from bokehflow.kernels.cpu_scan import projected_scan
    return projected_scan(qkv, log_decay, beta, initial_state, height, width, segments, key_epsilon)
