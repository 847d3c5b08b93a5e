"""The model that an artifact was exported from, beside which the artifact is judged."""

from __future__ import annotations

from pathlib import Path

from bokehflow.export.artifacts.manifest import NAME_THE_WEIGHTS, Manifest
from bokehflow.network import Network
from bokehflow.pipeline import Pipeline
from bokehflow.runtimes.torch_session import TorchSession
from bokehflow.scan import ScanConfig
from bokehflow.specs import find_variant
from bokehflow.weights import WeightsInfo, load_network


def reference_network(
    manifest: Manifest,
    weights: Path | None = None,
    scan: ScanConfig | None = None,
    remedy: str = NAME_THE_WEIGHTS,
) -> tuple[Network, WeightsInfo]:
    """The network that an artifact was exported from, in float32 and on the CPU, and what its
    weights are.

    weights: the file that it was exported with, None for the weights that ship. scan: the form to
    run, None for the chunked one. Raises ArtifactError, which proposes `remedy`, where these are
    not the artifact's weights, and what `load_network` and building the scan raise.
    """
    variant = find_variant(manifest.variant)
    network, info = load_network(variant, weights, scan, manifest.temporal)
    manifest.require_weights(info.sha256, remedy)
    return network, info


def reference_pipeline(
    manifest: Manifest,
    weights: Path | None = None,
    scan: ScanConfig | None = None,
    remedy: str = NAME_THE_WEIGHTS,
) -> Pipeline:
    """That network with its renderer, at the artifact's sizes. Takes and raises what
    `reference_network` does."""
    network, _ = reference_network(manifest, weights, scan, remedy)
    pipeline = Pipeline(network, manifest.frame_size, manifest.network_size, manifest.render)
    return pipeline.eval()


def reference_session(manifest: Manifest, weights: Path | None = None) -> TorchSession:
    """That pipeline in a session. Takes and raises what `reference_network` does."""
    return TorchSession(reference_pipeline(manifest, weights))
