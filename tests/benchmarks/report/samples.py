"""A report made up by hand, a session without an engine, and the manifest it goes by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from bokehflow.benchmarks.checks import at_least, at_most
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore
from bokehflow.benchmarks.evaluation.flicker import FlickerScore
from bokehflow.benchmarks.quality.score_renderer import MeanScore
from bokehflow.benchmarks.report.document import (
    ArtifactFacts,
    ClipFacts,
    FilmScore,
    Latency,
    Report,
    RowReport,
    ShotFacts,
    TruthScore,
)
from bokehflow.benchmarks.report.pictures import SHARP, Scene
from bokehflow.benchmarks.report.recorded import (
    DriftPoint,
    Gate,
    LayerInput,
    Quantization,
    RecordedLayer,
    ScanNoise,
    StateGrowth,
)
from bokehflow.export import Manifest
from bokehflow.export.artifacts.manifest import Budget, QuantizationFacts
from bokehflow.rendering import RenderConfig
from bokehflow.runtimes import SessionInfo
from bokehflow.signature import STATE_PAIRS, input_specs, output_specs
from bokehflow.specs import Size
from tests.training.samples import TINY

SIZE = Size(32, 48)


def manifest(size: Size = SIZE, **changes: Any) -> Manifest:
    """Of a tiny network at a size."""
    fields: dict[str, Any] = {
        "target": "onnx",
        "variant": "nano",
        "trained": False,
        "weights_sha256": "1" * 64,
        "canonical_fov_deg": 60.0,
        "frame_size": size,
        "network_size": size,
        "precision": "fp32",
        "scan": {"lowering": "chunked"},
        "render": RenderConfig(),
        "inputs": input_specs(TINY, size),
        "outputs": output_specs(TINY, size),
        "state_pairs": dict(STATE_PAIRS),
        "format": {},
        "budget": Budget(parity_db=40.0, fps_720p=45.0, memory_gb_1080p=0.8),
        "artifact_sha256": "2" * 64,
        "artifact_bytes": 1_500_000,
    }
    return Manifest(**(fields | changes))


def quantized_by(
    recipe: str = "int8", source_sha256: str = "6" * 64, layers: Sequence[str] = ()
) -> QuantizationFacts:
    """What a manifest says of a quantization."""
    return QuantizationFacts(recipe, source_sha256, "fp32", "7" * 64, 12, list(layers), [])


class CountingSession:
    """Gives the frame back, `error` brighter, everything at 2 m, and counts frames in its state."""

    def __init__(self, size: Size = SIZE, error: float = 0.0) -> None:
        self._error = error
        self.info = SessionInfo(
            runtime="stub",
            version="1",
            device="cpu",
            mode="executed",
            input_shapes={spec.name: spec.shape for spec in input_specs(TINY, size)},
            output_names=tuple(spec.name for spec in output_specs(TINY, size)),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One frame."""
        image = feeds["image"]
        depth = np.full_like(image[:, :1], 2.0 + self._error)
        states = {after: feeds[before] + 1.0 for before, after in STATE_PAIRS.items()}
        return {"bokeh": image + np.float32(self._error), "depth": depth, **states}


def made_report(**changes: Any) -> Report:
    """A reference, an int8 artifact with everything recorded, an estimate, and one not run."""
    fields: dict[str, Any] = {
        "date": "2026-11-22",
        "variant": "nano",
        "trained": True,
        "weights_sha256": "1" * 64,
        "canonical_fov_deg": 60.0,
        "frame_size": "720x1280",
        "reference": "a.onnx",
        "film": (ShotFacts("motorcycle, left", 3, "50 mm f/1.8 focused at 3 m", 1.5),),
        "clips": ClipFacts("1 held-out clip of data", ("layered/000072.npz",)),
        "rows": (reference_row(), int8_row(), estimated_row(), absent_row()),
        "settings": {"frames": 3, "evaluated_frames": 2, "rounds": None},
        "environment": {"processor": "a processor", "packages": {"numpy": "2", "openvino": None}},
    }
    return Report(**(fields | changes))


def reference_row() -> RowReport:
    """Number 1."""
    facts = _facts("onnx", "fp32", None)
    film = _film((200.0, 200.0, 200.0))
    return RowReport(
        1, facts, True, "measured", None, film, _truth(30.0), _latency(100.0), None, ()
    )


def int8_row() -> RowReport:
    """Number 2: misses one bar, keeps another."""
    checks = (
        at_least("bokeh against the reference, worst frame, dB", 41.5, 40.0),
        at_most("bokeh lost against truth, dB", 0.5, 0.3),
    )
    facts = _facts("onnx", "int8", "int8")
    return RowReport(
        2,
        facts,
        False,
        "measured",
        None,
        _film((43.0, 42.0, 41.5)),
        _truth(29.5),
        dataclasses.replace(_latency(80.0), time_ratio=0.8),
        _quantization(),
        checks,
    )


def estimated_row() -> RowReport:
    """Number 3: two of three frames by an evaluator."""
    reason = "by an evaluator, not by its engine, 2 of 3 frames, not against truth"
    latency = Latency("not run", "needs macOS")
    facts = _facts("coreml", "fp16", None)
    film = _film((66.0, 67.0))
    return RowReport(3, facts, False, "estimated", reason, film, None, latency, None, ())


def absent_row() -> RowReport:
    """Number 4: with a name that would be markup."""
    facts = dataclasses.replace(_facts("openvino", "fp16", None), name="<b>&amp;.xml")
    latency = Latency("not run", "no openvino")
    return RowReport(
        4, facts, False, "not run", "openvino is missing", None, None, latency, None, ()
    )


def made_scenes() -> list[Scene]:
    """One frame as two rows made it; its caption would end a script."""
    generator = torch.Generator().manual_seed(1)
    measure = torch.rand(1, 3, 36, 64, generator=generator)
    scene = Scene("motorcycle </script>", "#1 onnx fp32", measure, 8)
    scene.add(SHARP, torch.rand(1, 3, 36, 64, generator=generator))
    scene.add("#1 onnx fp32", measure)
    scene.add("#2 onnx int8", (measure + 0.01).clamp(0.0, 1.0))
    return [scene]


def _facts(target: str, precision: str, recipe: str | None) -> ArtifactFacts:
    name = f"nano_{precision}.{target}"
    size = 5_900_000 if recipe is None else 1_500_000
    return ArtifactFacts(
        name,
        target,
        precision,
        recipe,
        size,
        "3" * 64,
        "chunked",
        "288x512",
        "onnxruntime",
        "1.31",
        "executed",
    )


def _film(psnr_db: tuple[float, ...]) -> FilmScore:
    state = tuple(value - 10.0 for value in psnr_db)
    bokeh = MeanScore(min(psnr_db), 0.99, 38.0, 0.97, 45.0, 0.99, None, None, 0.0)
    norms = tuple(20.0 for _ in psnr_db)
    flicker = FlickerScore(1.2, 0.01, None)
    return FilmScore(psnr_db, state, state, norms, (0, 1), bokeh, _depth(0.02), flicker)


def _truth(psnr_db: float) -> TruthScore:
    bokeh = MeanScore(psnr_db, 0.9, psnr_db - 5.0, 0.8, psnr_db + 1.0, 0.95, None, None, 0.0)
    return TruthScore(2, bokeh, _depth(0.1), FlickerScore(2.0, 0.02, 0.015))


def _depth(abs_rel: float) -> DepthScore:
    return DepthScore(abs_rel, 0.5, 10.0, 0.95, abs_rel, 0.5, 0.96, abs_rel, 0.96, None)


def _latency(p50_ms: float) -> Latency:
    where = "a processor, 2 CPUs, 2 threads, 10 frames, median of 3 rounds"
    return Latency("measured", None, p50_ms, p50_ms + 20.0, 300_000_000, 200_000_000, None, where)


def _quantization() -> Quantization:
    ways = {"right": 30.0, "left": 31.0, "down": 32.0, "up": 33.0}
    tenths = tuple(30.0 + i for i in range(10))
    return Quantization(
        facts={"made from": "nano_fp32.onnx", "calibration": "64 samples of packaged, seed 0"},
        layers=(
            RecordedLayer("head/conv_1", 12.0, True),
            RecordedLayer("stem/conv_1", 30.0, False),
        ),
        scans=(ScanNoise("network.blocks.0.scan", 31.0, ways, tenths),),
        drift=tuple(DriftPoint(i, 20.0, 20.5, 35.0) for i in range(1, 101)),
        gates=(Gate("blocks.0.scan", 0.5, 0.1, 0.02),),
        inputs=(LayerInput("calm", -1.0, 1.0, 0.5, 1.0), LayerInput("wild", -9.0, 30.0, 1.0, 4.0)),
        growth=(StateGrowth(1, 8, (10.0, 12.0, 20.0, 30.0)),),
    )
