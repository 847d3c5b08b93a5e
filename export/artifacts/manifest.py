"""The manifest: everything about an artifact that its user must know, as JSON beside it."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bokehflow.errors import ArtifactError, UsageError
from bokehflow.installed import installed_versions
from bokehflow.layers.segments import TemporalConfig
from bokehflow.rendering import RenderConfig
from bokehflow.specs import Size, TensorSpec

SCHEMA_VERSION = 1
FIRST_FRAME_RUNS = "first_frame_runs"
_TOOLS = (
    "bokehflow",
    "torch",
    "onnx",
    "onnxscript",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "coremltools",
)
Mode = Literal["executed", "evaluated"]
"""How an artifact ran: in its runtime, or computed operation by operation where that is not."""
EMBEDDED_KEY = "bokehflow"
"""Under which an artifact's own metadata holds what it is."""
NAME_THE_WEIGHTS = "name its weights with --weights, or export it again"
PARITY_GOAL_DB = {"fp32": 80.0, "fp16": 50.0, "int8": 40.0}
"""What `Budget` asks for by precision; int8 stands for whatever `bfx quantize` makes."""


@dataclass(frozen=True, slots=True)
class Parity:
    """Agreement with the reference over some frames, state carried. Decibels, worst frame."""

    frames: int
    bokeh_psnr_db: float
    depth_sqnr_db: float
    runtime: str
    mode: Mode

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise UsageError(f"frames is {self.frames}", "at least one frame")


@dataclass(frozen=True, slots=True)
class Budget:
    """Goals, not results: decibels of the worst frame's bokeh against the reference, frames a
    second at 720x1280, gigabytes at 1080x1920."""

    parity_db: float
    fps_720p: float
    memory_gb_1080p: float

    def __post_init__(self) -> None:
        if self.parity_db <= 0.0:
            raise UsageError(f"parity_db is {self.parity_db:g}", "more than 0")


@dataclass(frozen=True, slots=True)
class QuantizationFacts:
    """What `bokehflow.quantize` did to the artifact of that hash, with which samples."""

    recipe: str
    source_sha256: str
    source_precision: str
    calibration_sha256: str
    calibration_samples: int
    quantized_layers: list[str]
    float_layers: list[str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is, how it was made, and what was measured of it.

    `parity` is None until `bfx validate` has measured it. `quantization` is None for what
    `bfx export` wrote; the `precision` of a quantized artifact is the recipe's name. `scan` holds
    `lowering` and the settings of that.
    `temporal`: how the state goes from frame to frame; a first frame is to be run
    `temporal.first_runs` times, its state carried, before the second. What the fields mean in JSON
    says `manifest.schema.json`, to those who know nothing else of us.
    """

    target: str
    variant: str
    trained: bool
    weights_sha256: str
    canonical_fov_deg: float
    frame_size: Size
    network_size: Size
    precision: str
    scan: dict[str, Any]
    render: RenderConfig
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]
    state_pairs: dict[str, str]
    format: dict[str, Any]
    budget: Budget
    artifact_sha256: str = ""
    artifact_bytes: int = 0
    parity: Parity | None = None
    quantization: QuantizationFacts | None = None
    temporal: TemporalConfig = field(default_factory=TemporalConfig)
    tools: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def lowering(self) -> str:
        """The name of the form of the scan."""
        return str(self.scan["lowering"])

    @property
    def float_precision(self) -> str:
        """What was exported: of a quantized artifact, the precision of the one that it is of."""
        return self.quantization.source_precision if self.quantization else self.precision

    def to_json(self) -> str:
        """Indented JSON, keys in the order of the fields."""
        return json.dumps(_plain(self), indent=2) + "\n"

    def require_weights(self, found_sha256: str, remedy: str = NAME_THE_WEIGHTS) -> None:
        """Raise ArtifactError where a model has other weights than the artifact was made from."""
        if found_sha256 != self.weights_sha256:
            raise ArtifactError(
                f"the artifact was exported from weights {self.weights_sha256[:12]}...",
                f"{found_sha256[:12]}...",
                remedy,
            )

    def embedded(self) -> dict[str, str]:
        """What goes into the artifact's own metadata: all but its hash, size and parity."""
        facts = _plain(self)
        for later in ("artifact_sha256", "artifact_bytes", "parity"):
            facts.pop(later)
        return {EMBEDDED_KEY: json.dumps(facts)}


def tool_versions() -> dict[str, str]:
    """Versions of the tools an export goes through, those that are installed."""
    return {"python": platform.python_version(), **installed_versions(_TOOLS)}


def _plain(manifest: Manifest) -> dict[str, Any]:
    facts = asdict(manifest)
    facts["frame_size"], facts["network_size"] = (
        [size.height, size.width] for size in (manifest.frame_size, manifest.network_size)
    )
    facts["temporal"][FIRST_FRAME_RUNS] = manifest.temporal.first_runs
    return facts
