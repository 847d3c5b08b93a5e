"""The model an artifact was exported from, for the benchmark of eager PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.pipeline import Pipeline
from bokehflow.runtimes.reference import reference_pipeline
from bokehflow.scan import ScanConfig

SHIPPED_ONLY = "export it again with the weights that ship"
"""`bfx benchmark` cannot be told of others."""


class EagerSpecs(NamedTuple):
    """The names and shapes of a pipeline's inputs, and its outputs' names, in order."""

    input_shapes: dict[str, tuple[int, ...]]
    outputs: list[str]


def eager_pipeline(manifest_path: Path, scan: str) -> tuple[Pipeline, EagerSpecs]:
    """The pipeline of an artifact's manifest in float32, with its own weights.

    scan: the form of the scan. Raises ArtifactError where the weights that ship are not those it
    was exported from, and what reading the manifest and building the scan raise.
    """
    manifest = read_manifest(manifest_path)
    pipeline = reference_pipeline(manifest, scan=ScanConfig(scan), remedy=SHIPPED_ONLY)
    shapes = {spec.name: spec.shape for spec in manifest.inputs}
    return pipeline, EagerSpecs(shapes, [spec.name for spec in manifest.outputs])
