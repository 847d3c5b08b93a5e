"""Which form of the scan a model runs. The choice is obeyed or refused, never replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from bokehflow.errors import UnknownNameError
from bokehflow.kernels import (
    cpu_projected_scan_2d,
    cpu_scan_2d,
    gated_delta_scan_2d,
    projected_scan_2d,
    require_cpu_scan,
    require_triton_scan,
)
from bokehflow.scan.chunk import DEFAULT_CHUNK_SIZE, DEFAULT_INTER_CHUNK, require_scheme
from bokehflow.scan.directions import chunk_scan_2d, naive_scan_2d
from bokehflow.scan.projected import KEY_EPSILON, ProjectedScan, Scan2d, SplitScan
from bokehflow.scan.transitions import InterChunk


@dataclass(frozen=True, slots=True)
class ScanConfig:
    """form: naive, chunked, triton (needs CUDA, and fuses more of the network too) or cpu
    (compiled; neither can be exported).

    chunk_size and inter_chunk are read by the chunked form alone. Raises UnknownNameError for a
    form or a scheme that does not exist, SizeError for a chunk size that is no power of two.
    """

    form: str = "chunked"
    chunk_size: int = DEFAULT_CHUNK_SIZE
    inter_chunk: InterChunk = DEFAULT_INTER_CHUNK

    def __post_init__(self) -> None:
        if not isinstance(self.form, str) or self.form not in _FORMS:
            raise UnknownNameError("scan form", self.form, _FORMS)
        require_scheme(self.chunk_size, self.inter_chunk)

    @property
    def device(self) -> torch.device:
        """Where the form runs; those that run anywhere say the CPU."""
        return torch.device(_FORMS[self.form].device)

    @property
    def fuses_layers(self) -> bool:
        """Whether other layers of the network are to be fused kernels, too."""
        return _FORMS[self.form].fuses_layers


def build_scan(config: ScanConfig) -> Scan2d:
    """The scan that `config` names.

    Raises MissingDependencyError or UsageError where this machine cannot run it.
    """
    return _FORMS[config.form].build(config)


def build_projected_scan(config: ScanConfig) -> ProjectedScan:
    """The same scan, for a block of the network. Raises what `build_scan` raises."""
    scan, projected = build_scan(config), _FORMS[config.form].projected
    return SplitScan(scan) if projected is None else partial(projected, key_epsilon=KEY_EPSILON)


@dataclass(frozen=True, slots=True)
class _Form:
    """build: the scan, once this machine is found to run it. projected: the same scan of a
    projection as it comes, where the form has one."""

    build: Callable[[ScanConfig], Scan2d]
    projected: Callable[..., tuple[Tensor, Tensor]] | None = None
    device: str = "cpu"
    fuses_layers: bool = False


def _chunked(config: ScanConfig) -> Scan2d:
    return partial(chunk_scan_2d, chunk_size=config.chunk_size, inter_chunk=config.inter_chunk)


def _naive(_: ScanConfig) -> Scan2d:
    return naive_scan_2d


def _triton(_: ScanConfig) -> Scan2d:
    require_triton_scan()
    return gated_delta_scan_2d


def _cpu(_: ScanConfig) -> Scan2d:
    require_cpu_scan()
    return cpu_scan_2d


_FORMS: dict[str, _Form] = {
    "naive": _Form(_naive),
    "chunked": _Form(_chunked),
    "triton": _Form(_triton, projected_scan_2d, device="cuda", fuses_layers=True),
    "cpu": _Form(_cpu, cpu_projected_scan_2d),
}

SCAN_FORMS = tuple(_FORMS)
