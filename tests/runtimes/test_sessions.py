"""Every engine behind the same protocol: what it refuses, what it says of itself."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bokehflow.errors import ArtifactError, SizeError, UsageError
from bokehflow.export import TARGETS, Artifact
from bokehflow.runtimes import open_session
from bokehflow.runtimes.carried_state import first_state_feeds
from bokehflow.runtimes.hazards import lint
from bokehflow.runtimes.onnxruntime_session import OnnxRuntimeSession
from bokehflow.runtimes.openvino_session import OpenVinoSession


def whole_feeds(artifact: Artifact) -> dict[str, np.ndarray]:
    """Valid inputs for one frame."""
    image = np.full((1, 3, 96, 160), 0.5, np.float32)
    lens = np.array([[50.0, 1.8, 1.5, 36.0]], np.float32)
    return {"image": image, "lens": lens, **first_state_feeds(artifact.manifest)}


@pytest.mark.parametrize("target", TARGETS)
def test_feeds_that_do_not_fit_are_refused(artifacts: dict[str, Artifact], target: str) -> None:
    session = open_session(artifacts[target])
    feeds = whole_feeds(artifacts[target])
    assert set(session.info.input_shapes) == set(feeds)
    with pytest.raises(UsageError, match="lens"):
        session.run({name: value for name, value in feeds.items() if name != "lens"})
    with pytest.raises(UsageError, match="extra"):
        session.run({**feeds, "extra": feeds["lens"]})
    with pytest.raises(SizeError, match="image"):
        session.run({**feeds, "image": feeds["image"][:, :, :90]})


@pytest.mark.parametrize("target", TARGETS)
def test_feeds_that_are_no_floats_are_refused(artifacts: dict[str, Artifact], target: str) -> None:
    session, feeds = open_session(artifacts[target]), whole_feeds(artifacts[target])
    levels = np.zeros(feeds["image"].shape, np.uint8)
    for wrong in (levels, feeds["image"].astype(str), feeds["image"] * 1j, [[50.0, 1.8]]):
        with pytest.raises(UsageError, match=r"image of .* expected an array of float32"):
            session.run({**feeds, "image": wrong})  # type: ignore[dict-item]


@pytest.mark.parametrize("target", TARGETS)
def test_a_session_runs_in_threads_and_takes_what_may_not_be_written_to(
    artifacts: dict[str, Artifact], target: str
) -> None:
    session, feeds = open_session(artifacts[target]), whole_feeds(artifacts[target])
    for array in feeds.values():
        array.setflags(write=False)
    expected = session.run(feeds)["bokeh"]
    with ThreadPoolExecutor(4) as pool:
        for outputs in pool.map(session.run, [feeds] * 4):
            np.testing.assert_array_equal(outputs["bokeh"], expected)


@pytest.mark.parametrize("target", TARGETS)
def test_an_engine_that_does_not_run_the_format_is_refused(
    artifacts: dict[str, Artifact], target: str
) -> None:
    with pytest.raises(UsageError, match="runtime 'tensorrt'"):
        open_session(artifacts[target], "tensorrt")


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load"):
        OnnxRuntimeSession(tmp_path / "model.onnx")
    (tmp_path / "model.xml").write_bytes(b"no model")
    with pytest.raises(ArtifactError, match="OpenVINO cannot load"):
        OpenVinoSession(tmp_path)


def test_a_folder_that_lacks_its_weights_is_told_as_that(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    copy = shutil.copytree(artifacts["openvino"].path, tmp_path / "model_openvino")
    (copy / "model.bin").unlink()
    with pytest.raises(ArtifactError, match=r"\(Empty weights data in bin file .*!\)"):
        OpenVinoSession(copy)
    with pytest.raises(ArtifactError, match=r"\(Empty weights data in bin file .*!\)"):
        lint(copy)
