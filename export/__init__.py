"""Model to artifact: ONNX, OpenVINO and Core ML, each with a manifest."""

from bokehflow.export.artifacts.artifact import Artifact, load_artifact
from bokehflow.export.artifacts.manifest import Manifest, Parity
from bokehflow.export.config import ExportConfig
from bokehflow.export.export import export, export_each
from bokehflow.export.lowering.choice import LOWERING_NAMES
from bokehflow.export.targets import TARGETS, as_target

__all__ = [
    "LOWERING_NAMES",
    "TARGETS",
    "Artifact",
    "ExportConfig",
    "Manifest",
    "Parity",
    "as_target",
    "export",
    "export_each",
    "load_artifact",
]
