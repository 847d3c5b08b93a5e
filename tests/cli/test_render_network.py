"""`bfx render` with the network: what is asked of the command, not of the network's quality."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from bokehflow import Lens, ModelConfig, load_model
from bokehflow.focus import autofocus_m
from bokehflow.layers.segments import TemporalConfig
from bokehflow.media import open_video, read_depth, read_photo
from bokehflow.rendering import Renderer
from tests.cli.runner import Bfx
from tests.media.samples import Clip, gradient, names_in, two_shots, write_clip
from tests.tolerances import DEPTH_STEP_M, FOUND_FOCUS_REL, VIDEO_MEAN_LEVELS

HEIGHT, WIDTH = 45, 61


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_picture_and_depth_are_those_of_the_model(bfx: Bfx, photo: Path) -> None:
    depth_file = photo.with_name("d.npy")
    completed = bfx("render", photo, "--focus-m", 2, "--depth-out", depth_file, "--json")
    assert completed.exit_code == 0, completed.stderr
    model = load_model("nano", config=ModelConfig(network_size="mobile"))
    frame = model(read_photo(photo), Lens(focus_m=2.0))
    assert torch.equal(read_depth(depth_file, HEIGHT, WIDTH), frame.depth)
    facts = completed.document
    assert (facts["depth_from"], facts["variant"]) == ("network", "nano")
    assert facts["network_size"] == "44x60"  # the frame's 45x61 in whole tokens
    assert facts["weights_sha256"] == model.weights.sha256
    assert facts["trained"] is model.weights.trained
    assert ("untrained" in completed.stderr) is not model.weights.trained


def test_the_source_field_of_view_reaches_the_model(bfx: Bfx, photo: Path) -> None:
    depth_file = photo.with_name("d.npy")
    completed = bfx(
        "render", photo, "--focus-m", 2, "--source-fov-deg", 30, "--depth-out", depth_file, "--json"
    )
    assert completed.document["source_fov_deg"] == 30
    model = load_model("nano", config=ModelConfig(network_size="mobile", source_fov_deg=30.0))
    frame = model(read_photo(photo), Lens(focus_m=2.0))
    assert torch.equal(read_depth(depth_file, HEIGHT, WIDTH), frame.depth)


SEGMENTED = {
    "systolic": (["--tsp", "systolic"], TemporalConfig("systolic", 4)),
    "blended in two": (["--tsp", "blended", "--segments", 2], TemporalConfig("blended", 2)),
    "off": (["--tsp", "off"], TemporalConfig("off")),
}


@pytest.mark.parametrize("how", SEGMENTED)
def test_the_state_is_carried_as_asked(bfx: Bfx, tmp_path: Path, how: str) -> None:
    options, temporal = SEGMENTED[how]
    write_clip(tmp_path / "a.mkv", Clip(3, 48, 64, codec="ffv1", pixel_format="bgr0"))
    depths = tmp_path / "out"
    completed = bfx(
        "render", tmp_path / "a.mkv", "--focus-m", 2, *options, "--depth-out", depths, "--json"
    )
    assert completed.exit_code == 0, completed.stderr
    told = completed.document["tsp"], completed.document["segments"]
    assert told == (temporal.tsp, temporal.segments)
    config = ModelConfig(network_size="mobile", temporal=temporal)
    model, state = load_model("nano", config=config), None
    with open_video(tmp_path / "a.mkv") as source:
        for index, frame in enumerate(source.frames):
            _, depth, state = model(frame.image, Lens(focus_m=2.0), state)
            stored = read_depth(depths / f"depth_{index:06d}.png", 48, 64)
            assert torch.allclose(stored, depth.clamp(max=65.535), atol=DEPTH_STEP_M)


BAD_TSP = {
    "unknown": (["--tsp", "systolik"], "did you mean 'systolic'"),
    "segments without a place": (["--segments", 4], "4 segments for tsp='document'"),
    "no segments": (["--tsp", "systolic", "--segments", 0], "segments=0"),
    "segments that do not fit": (
        ["--tsp", "systolic", "--segments", 5, "--network-size", "44x60"],
        "segments",
    ),
    "more segments than tokens": (["--tsp", "systolic", "--segments", 12], "at least 48 px"),
    "with depth": (["--tsp", "off", "--depth", "d.npy"], "--tsp"),
}


@pytest.mark.parametrize("kind", BAD_TSP)
def test_what_cannot_be_carried_is_one_plain_error(bfx: Bfx, photo: Path, kind: str) -> None:
    options, reason = BAD_TSP[kind]
    before = names_in(photo.parent)
    completed = bfx("render", photo, "--focus-m", 2, *options)
    assert reason in completed.require_plain_error(2)
    assert names_in(photo.parent) == before


def test_state_is_carried_through_a_video(bfx: Bfx, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", Clip(3, 48, 64, codec="ffv1", pixel_format="bgr0"))
    completed = bfx("render", tmp_path / "a.mkv", "--focus-m", 2, "--depth-out", tmp_path / "out")
    assert completed.exit_code == 0, completed.stderr
    model, state = load_model("nano", config=ModelConfig(network_size="mobile")), None
    with open_video(tmp_path / "a.mkv") as source, open_video(tmp_path / "a_bokeh.mkv") as result:
        for index, (frame, written) in enumerate(zip(source.frames, result.frames, strict=True)):
            bokeh, depth, state = model(frame.image, Lens(focus_m=2.0), state)
            stored = read_depth(tmp_path / "out" / f"depth_{index:06d}.png", 48, 64)
            assert torch.allclose(stored, depth.clamp(max=65.535), atol=DEPTH_STEP_M)
            assert (written.image - bokeh).abs().mean() * 255 < VIDEO_MEAN_LEVELS


def test_every_shot_begins_without_a_state_where_cuts_are_looked_for(
    bfx: Bfx, tmp_path: Path
) -> None:
    cut, clip = 2, Clip(4, 48, 64, codec="ffv1", pixel_format="bgr0")
    write_clip(tmp_path / "a.mkv", clip, two_shots(48, 64, cut, clip.frames))
    completed = bfx("render", tmp_path / "a.mkv", "--focus-m", 2, "--tsp", "systolic", "--cuts",
                    "--depth-out", tmp_path / "out", "--json")  # fmt: skip
    shots = [{"first_frame": first, "focus_m": 2.0} for first in (0, cut)]
    assert completed.document["shots"] == shots
    config = ModelConfig(network_size="mobile", temporal=TemporalConfig("systolic", 4))
    model, state = load_model("nano", config=config), None
    with open_video(tmp_path / "a.mkv") as source:
        for index, frame in enumerate(source.frames):
            _, depth, state = model(frame.image, Lens(focus_m=2.0), state if index != cut else None)
            stored = read_depth(tmp_path / "out" / f"depth_{index:06d}.png", 48, 64)
            assert torch.allclose(stored, depth.clamp(max=65.535), atol=DEPTH_STEP_M)


@pytest.mark.parametrize("fov_deg", [2, 20])
def test_a_telephoto_source_can_be_focused_by_its_depth(
    bfx: Bfx, photo: Path, fov_deg: int
) -> None:
    lens = ("--focal-length-mm", 300, "--source-fov-deg", fov_deg)
    depth_file = photo.with_name("depth.npy")
    completed = bfx("render", photo, "--autofocus", *lens, "--depth-out", depth_file, "--json")
    assert completed.exit_code == 0, completed.stderr
    # Where it was looked for is where the frame that is written shows it.
    depth_m = read_depth(depth_file, HEIGHT, WIDTH)
    assert completed.document["lens"]["focus_m"] == pytest.approx(
        autofocus_m(depth_m), rel=FOUND_FOCUS_REL
    )


def test_looks_for_the_focus_render_no_picture(
    bfx: Bfx, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[object] = []
    forward = Renderer.forward
    monkeypatch.setattr(Renderer, "forward", lambda *a: (rendered.append(a), forward(*a))[1])
    completed = bfx("render", photo, "--json")
    assert completed.document["focus_settled"] is True
    assert completed.stderr == ""
    assert len(rendered) == 1


def test_a_focus_that_does_not_settle_is_told(
    bfx: Bfx, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bokehflow.focus.SETTLED", 0.0)
    completed = bfx("render", photo, "--json")
    assert completed.document["focus_settled"] is False
    assert "did not settle" in completed.stderr


@pytest.mark.parametrize(("f_number", "held_back"), [(1.4, True), (22, False)])
def test_a_blur_beyond_the_renderers_reach_is_told(
    bfx: Bfx, photo: Path, f_number: float, held_back: bool
) -> None:
    lens = ("--focal-length-mm", 135, "--f-number", f_number, "--focus-m", 0.3)
    completed = bfx("render", photo, *lens, "--json")
    assert (completed.document["held_back_pixels"] > 0) is held_back
    assert ("larger f-number" in completed.stderr) is held_back


def test_a_few_pixels_are_not_none(bfx: Bfx, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bokehflow.cli.network_frames.pixels_beyond", lambda *_: 1)
    completed = bfx("render", photo, "--focus-m", 2)
    assert "under 0.1% of the pixels" in completed.stderr


BAD_REQUESTS = {
    "unknown variant": (["--variant", "nanoo"], "did you mean 'nano'"),
    "missing weights": (["--weights", "none.safetensors"], "none.safetensors"),
    "network size": (["--network-size", "10x10"], "multiple of 4"),
    "field of view": (["--source-fov-deg", "180"], "180"),
    "field of view NaN": (["--source-fov-deg", "nan"], "nan"),
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_requests_get_one_plain_error_and_leave_nothing(
    bfx: Bfx, photo: Path, kind: str
) -> None:
    options, reason = BAD_REQUESTS[kind]
    completed = bfx("render", photo, *options)
    assert reason in completed.require_plain_error(2)
    assert names_in(photo.parent) == ["a.png"]
