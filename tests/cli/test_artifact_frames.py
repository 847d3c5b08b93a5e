"""`bfx render --artifact`, with torch in the engine's place because an export takes a minute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import bokehflow.export
import bokehflow.runtimes
from bokehflow import Lens, ModelConfig, load_model
from bokehflow.export import Artifact, Manifest
from bokehflow.layers.segments import TemporalConfig
from bokehflow.media import read_depth, read_photo
from bokehflow.runtimes import TorchSession
from bokehflow.signature import STATE_PAIRS, input_specs, output_specs
from bokehflow.specs import Size
from tests.cli.runner import Bfx
from tests.media.samples import Clip, gradient, names_in, write_clip
from tests.tolerances import DEPTH_STEP_M

SIZE = Size(32, 48)


@pytest.fixture
def temporal() -> TemporalConfig:
    """How the artifact carries its state."""
    return TemporalConfig()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporal: TemporalConfig) -> Path:
    """A photo and a video of the artifact's size, and an artifact that torch runs."""
    model = load_model("nano", config=ModelConfig(temporal=temporal))
    variant = model.network.variant
    manifest = Manifest(
        target="onnx",
        variant=variant.name,
        trained=model.weights.trained,
        weights_sha256=model.weights.sha256,
        canonical_fov_deg=model.weights.canonical_fov_deg,
        frame_size=SIZE,
        network_size=SIZE,
        precision="fp32",
        scan={},
        render=model.config.render,
        inputs=input_specs(variant, SIZE, temporal.segments),
        outputs=output_specs(variant, SIZE, temporal.segments),
        temporal=temporal,
        state_pairs=dict(STATE_PAIRS),
        format={},
        budget={},
        artifact_sha256="0" * 64,
    )
    monkeypatch.setattr(bokehflow.export, "load_artifact", lambda path: Artifact(path, manifest))
    monkeypatch.setattr(
        bokehflow.runtimes,
        "open_session",
        lambda _artifact, _runtime: TorchSession(model.pipeline_for(SIZE)),
    )
    Image.fromarray(gradient(SIZE.height, SIZE.width)).save(tmp_path / "a.png")
    write_clip(
        tmp_path / "a.mkv", Clip(3, SIZE.height, SIZE.width, codec="ffv1", pixel_format="bgr0")
    )
    return tmp_path


@pytest.mark.parametrize("source_fov_deg", [None, 30.0], ids=["trained view", "narrow view"])
def test_the_artifact_gives_what_the_model_gives(
    bfx: Bfx, folder: Path, source_fov_deg: float | None
) -> None:
    options = [] if source_fov_deg is None else ["--source-fov-deg", source_fov_deg]
    completed = bfx(
        "render", folder / "a.png", "--artifact", folder / "x.onnx", "--focus-m", 2, "--json",
        "--depth-out", folder / "d.npy", *options,
    )  # fmt: skip
    assert completed.exit_code == 0, completed.stderr
    model = load_model("nano", config=ModelConfig("full", source_fov_deg))
    frame = model(read_photo(folder / "a.png"), Lens(focus_m=2.0))
    assert torch.equal(read_depth(folder / "d.npy", SIZE.height, SIZE.width), frame.depth)
    facts = completed.document
    assert (facts["runtime"], facts["mode"]) == ("torch", "executed")
    assert facts["network_size"] == "32x48"
    assert facts["source_fov_deg"] == (source_fov_deg or model.weights.canonical_fov_deg)
    assert (facts["tsp"], facts["segments"]) == ("document", 1)
    assert ("untrained" in completed.stderr) is not model.weights.trained
    own = bfx("render", folder / "a.png", "--network-size", "full", "--focus-m", 2, "--json")
    assert own.document.keys() == facts.keys()
    assert own.document["network_size"] == facts["network_size"]


def test_state_is_carried_through_a_video(bfx: Bfx, folder: Path) -> None:
    completed = bfx(
        "render", folder / "a.mkv", "--artifact", folder / "x.onnx", "--focus-m", 2,
        "--depth-out", folder / "out",
    )  # fmt: skip
    assert completed.exit_code == 0, completed.stderr
    model, state = load_model("nano", config=ModelConfig("full")), None
    for index in range(3):
        pixels = gradient(SIZE.height, SIZE.width, index).astype(np.float32) / 255
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        _, depth, state = model(image, Lens(focus_m=2.0), state)
        stored = read_depth(folder / "out" / f"depth_{index:06d}.png", SIZE.height, SIZE.width)
        assert torch.allclose(stored, depth.clamp(max=65.535), atol=DEPTH_STEP_M)


@pytest.mark.parametrize("temporal", [TemporalConfig("cold", 4)], ids=["cold"])
def test_cold_segments_know_each_other_in_the_first_frame_already(
    bfx: Bfx, folder: Path, temporal: TemporalConfig
) -> None:
    completed = bfx(
        "render", folder / "a.mkv", "--artifact", folder / "x.onnx", "--focus-m", 2,
        "--depth-out", folder / "out",
    )  # fmt: skip
    assert completed.exit_code == 0, completed.stderr
    model = load_model("nano", config=ModelConfig("full", temporal=temporal))
    state = model.first_state()
    for index in range(3):
        pixels = gradient(SIZE.height, SIZE.width, index).astype(np.float32) / 255
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        _, depth, state = model(image, Lens(focus_m=2.0), state)
        stored = read_depth(folder / "out" / f"depth_{index:06d}.png", SIZE.height, SIZE.width)
        assert torch.allclose(stored, depth.clamp(max=65.535), atol=DEPTH_STEP_M)


BAD_REQUESTS = {
    "frame of another size": (["big.png"], "a frame of 45x61; expected 32x48"),
    "renderer option": (["a.png", "--blades", "6"], "--blades"),
    "network option": (["a.png", "--variant", "nano"], "--variant"),
    "depth": (["a.png", "--depth", "d.npy"], "--artifact"),
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_requests_get_one_plain_error_and_leave_nothing(
    bfx: Bfx, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    Image.fromarray(gradient(45, 61)).save(folder / "big.png")
    monkeypatch.chdir(folder)
    before = names_in(folder)
    arguments, reason = BAD_REQUESTS[kind]
    line = bfx("render", *arguments, "--artifact", "x.onnx").require_plain_error(2)
    assert reason in line
    assert names_in(folder) == before


def test_a_runtime_needs_an_artifact(bfx: Bfx, folder: Path) -> None:
    line = bfx("render", folder / "a.png", "--runtime", "onnxruntime").require_plain_error(2)
    assert "--runtime without --artifact" in line


@pytest.mark.parametrize("fov_deg", ["0", "180", "nan"])
def test_a_field_of_view_that_no_camera_has_is_refused(
    bfx: Bfx, folder: Path, fov_deg: str
) -> None:
    options = ("--artifact", "a.onnx", "--source-fov-deg", fov_deg, "--focus-m", 2)
    assert "source_fov_deg" in bfx("render", folder / "a.png", *options).require_plain_error(2)
