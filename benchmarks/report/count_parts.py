"""Count where the time of a quantized artifact and of its float32 twin goes, frame by frame."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bokehflow.benchmarks.dot_products import eight_bit_dot_products
from bokehflow.benchmarks.latency.record import artifact_facts
from bokehflow.benchmarks.latency.scopes import file_scopes
from bokehflow.benchmarks.report.float_twin import float_twin
from bokehflow.benchmarks.report.node_parts import PARTS, eight_bits_of, milliseconds_by_part
from bokehflow.benchmarks.report.slow_parts import PartTime, SlowParts, Uncounted
from bokehflow.calibration.frames import BENCHMARK_LENSES, validation_frames
from bokehflow.child import in_child
from bokehflow.errors import ArtifactError, BokehFlowError
from bokehflow.export import Artifact
from bokehflow.runtimes.carried_state import Playback
from bokehflow.runtimes.openvino_counters import CountingOpenVinoSession, ExecutedNode

FRAMES, WARM_UP = 7, 2
"""Frames counted of each, and frames before them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A quantized OpenVINO artifact and the float32 one that it is compared with."""

    quantized: Artifact
    twin: Artifact


def find_pair(artifact: Artifact | None, all_of_them: Sequence[Artifact]) -> Pair | None:
    """The pair of an artifact, None for one that is not quantized, not for OpenVINO, or alone."""
    if artifact is None or not _is_quantized_openvino(artifact):
        return None
    known = {other.manifest.artifact_sha256: other for other in all_of_them}
    facts = [artifact_facts(other.manifest) for other in all_of_them]
    twin = float_twin(artifact.manifest, facts)
    return None if twin is None else Pair(artifact, known[twin])


def try_to_count(pair: Pair, time_ratio: float | None) -> SlowParts | Uncounted:
    """`count_parts`, or why it went wrong: the report is worth more than its last table."""
    try:
        return count_parts(pair, time_ratio)
    except BokehFlowError as error:
        return Uncounted(str(error))


def count_parts(
    pair: Pair, time_ratio: float | None, frames: int = FRAMES, warm_up: int = WARM_UP
) -> SlowParts:
    """Run both in turn, states carried, and sum the medians of every node by part.

    time_ratio: what is known of whole frames. In a process of its own, which the engine's fault
    would end alone. Raises ArtifactError for that, and what OpenVINO's session raises.
    """
    return in_child(
        _counted,
        pair,
        time_ratio,
        frames,
        warm_up,
        ended=ArtifactError(
            f"OpenVINO's process ended while it counted in {pair.quantized.given}",
            "both models run to the end",
        ),
    )


def _counted(pair: Pair, time_ratio: float | None, frames: int, warm_up: int) -> SlowParts:
    runs = [_frames_of(artifact, warm_up + frames) for artifact in (pair.twin, pair.quantized)]
    seen = [frame for number, frame in enumerate(zip(*runs, strict=True)) if number >= warm_up]
    floats, quantized = (_medians(one) for one in zip(*seen, strict=True))
    quantization = pair.quantized.manifest.quantization
    assert quantization is not None
    layers = quantization.quantized_layers
    eight_bits = eight_bits_of(quantized, layers)
    before, after = (
        milliseconds_by_part(nodes, eight_bits, file_scopes(artifact.path))
        for nodes, artifact in ((floats, pair.twin), (quantized, pair.quantized))
    )
    return SlowParts(
        twin=pair.twin.path.name,
        frames=frames,
        parts=tuple(PartTime(part, before[part], after[part]) for part in PARTS),
        layers=len(layers),
        layers_in_8_bits=len(eight_bits.products),
        dot_products=eight_bit_dot_products(),
        time_ratio=time_ratio,
    )


def _is_quantized_openvino(artifact: Artifact) -> bool:
    return artifact.manifest.target == "openvino" and artifact.manifest.quantization is not None


def _frames_of(artifact: Artifact, count: int) -> Iterator[list[ExecutedNode]]:
    """The nodes of one frame after the other."""
    session = CountingOpenVinoSession(artifact.path)
    playback = Playback(artifact.manifest, session)
    for image in validation_frames(artifact.manifest.frame_size, count):
        playback.show(image.numpy(), BENCHMARK_LENSES[0])
        yield session.nodes()


def _medians(frames: Sequence[Sequence[ExecutedNode]]) -> list[ExecutedNode]:
    """Every node once, with the median of its frames; a frame without it took 0 ms there."""
    nodes = {node.name: node for frame in frames for node in frame}
    times = {name: [0.0] * len(frames) for name in nodes}
    for index, frame in enumerate(frames):
        for node in frame:
            times[node.name][index] = node.milliseconds
    return [
        replace(node, milliseconds=statistics.median(times[name])) for name, node in nodes.items()
    ]
