"""The manifest: everything about an artifact that its user must know, as JSON beside it."""

from __future__ import annotations

import dataclasses
import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bokehflow.errors import ArtifactError
from bokehflow.export.config import TARGETS
from bokehflow.rendering import RenderConfig
from bokehflow.specs import Size, TensorSpec

SCHEMA_VERSION = 1
_TOOLS = ("bokehflow", "torch", "onnx", "onnxscript", "openvino", "coremltools")


@dataclass(frozen=True, slots=True)
class Parity:
    """Agreement with the reference over some frames, state carried. Decibels, worst frame."""

    frames: int
    bokeh_psnr_db: float
    depth_sqnr_db: float
    runtime: str
    mode: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is, how it was made, and what was measured of it.

    `parity` is None until `bfx validate` has measured it. `budget` holds the goals for this
    variant, not results. `quantization` is None for what `bfx export` wrote; of a quantized
    artifact it tells what was done (`bokehflow.quantize`), and `precision` is the recipe's name.
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
    budget: dict[str, float]
    artifact_sha256: str = ""
    artifact_bytes: int = 0
    parity: Parity | None = None
    quantization: dict[str, Any] | None = None
    tools: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Indented JSON, keys in the order of the fields."""
        return json.dumps(_plain(self), indent=2) + "\n"

    def embedded(self) -> dict[str, str]:
        """What goes into the artifact's own metadata: all but its hash, size and parity."""
        facts = _plain(self)
        for later in ("artifact_sha256", "artifact_bytes", "parity"):
            facts.pop(later)
        return {"bokehflow": json.dumps(facts)}


def tool_versions() -> dict[str, str]:
    """Versions of the tools an export goes through, those that are installed."""
    found = {"python": platform.python_version()}
    for tool in _TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return found


def read_manifest(path: Path) -> Manifest:
    """Read a manifest. Raises ArtifactError if it is missing, damaged or of another schema."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(
            f"no manifest at {path}", "the .json that bfx export wrote beside the artifact"
        ) from error
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} is not a manifest ({error})", "JSON") from error
    found = facts.get("schema_version") if isinstance(facts, dict) else None
    if found != SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has schema version {found!r}", str(SCHEMA_VERSION), "export it again"
        )
    try:
        return _from_plain(facts)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path} is not a whole manifest ({error})", remedy="export it again"
        ) from error


def _plain(manifest: Manifest) -> dict[str, Any]:
    facts = asdict(manifest)
    facts["frame_size"], facts["network_size"] = (
        [size.height, size.width] for size in (manifest.frame_size, manifest.network_size)
    )
    return facts


def _from_plain(facts: dict[str, Any]) -> Manifest:
    facts = dict(facts)
    for name in ("frame_size", "network_size"):
        facts[name] = Size(*facts[name])
    facts["render"] = RenderConfig(**facts["render"])
    for name in ("inputs", "outputs"):
        facts[name] = [_tensor_spec(spec) for spec in facts[name]]
    if facts["parity"] is not None:
        facts["parity"] = Parity(**facts["parity"])
    if facts["target"] not in TARGETS:
        raise ValueError(f"the target {facts['target']!r}")
    for part, key in (("scan", "lowering"), ("budget", "parity_db")):
        if key not in facts[part]:
            raise ValueError(f"no {key} in {part}")
    unknown = set(facts) - {f.name for f in dataclasses.fields(Manifest)}
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    return Manifest(**facts)


def _tensor_spec(spec: dict[str, Any]) -> TensorSpec:
    bounds = spec["value_range"]
    return TensorSpec(
        **{
            **spec,
            "shape": tuple(spec["shape"]),
            "value_range": None if bounds is None else (bounds[0], bounds[1]),
        }
    )
