"""Which lowering of the scan a target can have, and which it has by default: a measured rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from bokehflow.errors import UnknownNameError, UsageError
from bokehflow.export.lowering.blocks import LoweredBlock
from bokehflow.export.lowering.map_mixer import MapScan
from bokehflow.export.lowering.map_network import MapNetwork
from bokehflow.export.lowering.mixers import ChunkedMixer, ChunkedScan, FusedMixer, FusedScan
from bokehflow.export.lowering.network import LoweredNetwork
from bokehflow.export.lowering.orders import ONE_BY_ONE
from bokehflow.network import Network

AUTO = "auto"
LARGE_MAP_TOKENS = 2**16
"""From here on what waits for a scan is what ONNX Runtime needs most memory for. Directions that go
one by one take less of it and no more time, but twice the nodes. OpenVINO needs no less."""


@dataclass(frozen=True, slots=True)
class Lowering:
    """One form of the scan in a target's graph.

    operator: what the compiled graph must hold, once for every group of directions of a layer; None
    for standard operators alone.
    for_avx512: `auto` passes it by on processors without AVX-512, where it is slower.
    """

    name: str
    target: str
    scan: FusedScan | ChunkedScan | MapScan
    operator: str | None = None
    for_avx512: bool = False

    @property
    def operators_a_layer(self) -> int:
        """How often the compiled graph must hold the operator, in one layer."""
        return len(self.scan.groups) if isinstance(self.scan, FusedScan) else 0

    def for_tokens(self, count: int) -> Lowering:
        """The same for maps of so many tokens: ONNX Runtime's scans of large ones go one by one."""
        if not isinstance(self.scan, FusedScan) or self.target != "onnx":
            return self
        if count < LARGE_MAP_TOKENS:
            return self
        return replace(self, scan=replace(self.scan, groups=ONE_BY_ONE))

    def apply(self, network: Network) -> LoweredNetwork:
        """The network in this form, with the same weights.

        Raises UsageError as `LoweredNetwork`.
        """
        scan, n = self.scan, network.temporal.segments
        if isinstance(scan, MapScan):
            return MapNetwork(network, scan)
        if isinstance(scan, FusedScan):
            fused = scan
            return LoweredNetwork(
                network, lambda pair: LoweredBlock(pair, FusedMixer(pair, fused, n))
            )
        return LoweredNetwork(network, lambda pair: LoweredBlock(pair, ChunkedMixer(pair, scan, n)))


# On a CPU small chunks waste the least arithmetic and a gather is a copy of rows. Accelerators like
# rows of at least 32 and transpose, but leave their memory for a gather.
_CPU_CHUNKS = ChunkedScan(16, "three_level")
_ACCELERATOR_CHUNKS = MapScan(32, "three_level")
LOWERINGS = (
    Lowering(
        "linear_attention_padded",
        "onnx",
        FusedScan(value_multiple=32),
        "LinearAttention",
        for_avx512=True,
    ),
    Lowering("linear_attention", "onnx", FusedScan(), "LinearAttention"),
    Lowering("chunked", "onnx", _CPU_CHUNKS),
    Lowering("gated_delta_net", "openvino", FusedScan(), "GatedDeltaNet"),
    Lowering("chunked", "openvino", _CPU_CHUNKS),
    Lowering("chunked", "coreml", _ACCELERATOR_CHUNKS),
)
"""A target's fastest comes first: `auto` takes it. Measured with Nano's mobile profile on two cores
with AVX-512 and without it. ONNX Runtime's kernel is four times as fast with values 32 wide where
there is AVX-512, and half as fast where there is none. Core ML has no fused operation."""
LOWERING_NAMES = tuple(dict.fromkeys(lowering.name for lowering in LOWERINGS))


def find_lowering(name: str, target: str) -> Lowering:
    """The lowering that `name` means for a target; `auto` depends on the processor of this machine.

    Raises UnknownNameError for a name that does not exist, UsageError for a target without it.
    """
    possible = {each.name: each for each in LOWERINGS if each.target == target}
    if name == AUTO:
        wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
        return next(each for each in possible.values() if wide or not each.for_avx512)
    if name not in LOWERING_NAMES:
        raise UnknownNameError("scan lowering", name, (AUTO, *LOWERING_NAMES))
    if name not in possible:
        raise UsageError(f"scan {name} for {target}", " or ".join((AUTO, *possible)))
    return possible[name]
