"""Every exported format computes what the reference computes, state carried over two frames."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bokehflow.benchmarks.parity import check_parity, record_parity
from bokehflow.calibration.frames import validation_frames
from bokehflow.errors import MediaError
from bokehflow.export import TARGETS, Artifact, load_artifact
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.media import write_photo
from bokehflow.pipeline import Pipeline
from bokehflow.runtimes import TorchSession
from bokehflow.runtimes.reference import reference_session
from bokehflow.specs import VARIANTS, Size
from bokehflow.weights.initial import initial_network

BARS_DB = {"onnx": 80.0, "openvino": 80.0, "coreml": 50.0}


@pytest.mark.parametrize("target", TARGETS)
def test_two_frames_agree_with_the_reference(artifacts: dict[str, Artifact], target: str) -> None:
    artifact = artifacts[target]
    frames = list(validation_frames(artifact.manifest.frame_size, 2))
    report = check_parity(artifact, frames, reference_session(artifact.manifest))
    assert report.bar_db == BARS_DB[target]
    assert report.worst_bokeh_db >= BARS_DB[target]
    assert report.reached
    assert len(report.bokeh_psnr_db) == 2
    assert min(report.state_sqnr_db) > 30.0


def test_a_network_that_computes_something_else_is_told(artifacts: dict[str, Artifact]) -> None:
    artifact = artifacts["onnx"]
    manifest = artifact.manifest
    network = initial_network(VARIANTS["nano"]).eval()
    with torch.no_grad():
        network.coarse.read.bias.add_(1.0)
        network.depth_head.out.bias.add_(0.05)
    other = Pipeline(network, manifest.frame_size, manifest.network_size, manifest.render)
    frames = validation_frames(manifest.frame_size, 1)
    report = check_parity(artifact, frames, TorchSession(other))
    assert not report.reached


def test_the_result_is_written_into_the_manifest(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    source = artifacts["onnx"]
    copy = tmp_path / source.path.name
    copy.write_bytes(source.path.read_bytes())
    manifest_path(copy).write_bytes(manifest_path(source.path).read_bytes())
    artifact = load_artifact(copy)
    frames = validation_frames(artifact.manifest.frame_size, 1)
    report = check_parity(artifact, frames, reference_session(artifact.manifest))
    record_parity(artifact, report)
    parity = load_artifact(copy).manifest.parity
    assert parity is not None
    assert 0.0 <= report.worst_bokeh_db - parity.bokeh_psnr_db < 0.01  # rounded, but never up
    assert parity.mode == "executed"


def test_frames_come_from_the_users_folder(tmp_path: Path) -> None:
    for index, level in enumerate((0.25, 0.75)):
        write_photo(tmp_path / f"{index}.png", torch.full((1, 3, 40, 30), level))
    frames = list(validation_frames(Size(16, 24), 3, tmp_path))
    assert [tuple(frame.shape) for frame in frames] == [(1, 3, 16, 24)] * 3
    levels = [round(frame.mean().item(), 2) for frame in frames]
    assert levels == [0.25, 0.75, 0.25]


@pytest.mark.parametrize("size", [Size(4, 8000), Size(8000, 4)], ids=str)
def test_a_strip_of_any_shape_is_cut_from_a_picture(size: Size) -> None:
    (frame,) = validation_frames(size, 1)
    assert tuple(frame.shape) == (1, 3, size.height, size.width)


@pytest.mark.parametrize("kind", ["empty", "missing"])
def test_a_folder_without_photos_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path if kind == "empty" else tmp_path / "none"
    with pytest.raises(MediaError):
        list(validation_frames(Size(16, 24), 1, folder))
