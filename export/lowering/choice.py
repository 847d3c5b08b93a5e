"""Which lowering of the scan a target can have, and which it has by default: a measured rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bokehflow.errors import UnknownNameError, UsageError
from bokehflow.export.lowering.mixers import (
    ChunkedMixer,
    ChunkedScan,
    FusedMixer,
    FusedScan,
    LoweredMixer,
    SequenceScan,
)
from bokehflow.layers.bigdr import BiGDRBlock

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Lowering:
    """One form of the scan in a graph.

    targets: where it exists. operator: what the compiled graph must hold, once a layer; None for
    standard operators alone.
    """

    name: str
    scan: SequenceScan
    targets: tuple[str, ...]
    operator: str | None = None

    def mixer(self, blocks: Sequence[BiGDRBlock]) -> LoweredMixer:
        """The mixer of some blocks, side by side."""
        if isinstance(self.scan, FusedScan):
            return FusedMixer(blocks, self.scan)
        return ChunkedMixer(blocks, self.scan)


LOWERINGS = {
    lowering.name: lowering
    for lowering in (
        Lowering("chunked", ChunkedScan(16, "three_level"), ("onnx", "openvino", "coreml")),
        Lowering("linear_attention", FusedScan(32), ("onnx",), "LinearAttention"),
        Lowering("gated_delta_net", FusedScan(), ("openvino",), "GatedDeltaNet"),
    )
}
MEASURED_BEST = {
    "onnx": "linear_attention",
    "openvino": "gated_delta_net",
    "coreml": "chunked",
}
"""What `auto` means: the fastest on two cores for Nano's mobile profile. Core ML has no fused
operation."""


def find_lowering(name: str, target: str) -> Lowering:
    """The lowering that `name` means for a target.

    Raises UnknownNameError for a name that does not exist, UsageError for a target without it.
    """
    if name == AUTO:
        return LOWERINGS[MEASURED_BEST[target]]
    if name not in LOWERINGS:
        raise UnknownNameError("scan lowering", name, (AUTO, *LOWERINGS))
    lowering = LOWERINGS[name]
    if target not in lowering.targets:
        possible = [each.name for each in LOWERINGS.values() if target in each.targets]
        raise UsageError(f"scan {name} for {target}", " or ".join((AUTO, *possible)))
    return lowering
