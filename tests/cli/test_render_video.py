from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from bokehflow.cli.depth_frames import DepthFrames, depth_files
from bokehflow.media import open_video, read_depth
from bokehflow.media.audio_copy import AudioCopy
from bokehflow.optics import Lens
from bokehflow.rendering import render
from tests.cli.runner import Bfx
from tests.media.samples import (
    Clip,
    audio_packets,
    gradient,
    names_in,
    rename_codec,
    set_display_matrix,
    two_shots,
    write_clip,
    write_plain_hdr,
)
from tests.tolerances import DEPTH_HALF_STEP_M, TIMESTAMP_S, VIDEO_MEAN_LEVELS

HEIGHT, WIDTH, FRAMES = 48, 64, 5
TICKS = (0, 40, 95, 120, 200)


def _write_depths(folder: Path, frames: int, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """Depth maps of a near block that moves; the wall behind it comes nearer frame by frame,
    to 2 m."""
    folder.mkdir()
    for index in range(frames):
        depth = np.full((height, width), max(6.0 - 0.1 * index, 2.0), dtype=np.float32)
        depth[height // 3 : 2 * height // 3, 20 + index : 40 + index] = 1.5
        np.save(folder / f"{index:03d}.npy", depth)
    return folder


def test_depth_maps_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["1.png", "2.npy", "10.png", "a2.png", "a10.png"]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert [file.name for file in depth_files(tmp_path, is_video=True)] == names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_clip(tmp_path / "a.mp4", Clip(FRAMES, HEIGHT, WIDTH, audio_codec="aac", ticks=TICKS))
    _write_depths(tmp_path / "depths", FRAMES)
    return tmp_path


@pytest.mark.parametrize(("options", "focus_m"), [(["--cuts"], [1.5, 4.0]), ([], [1.5])], ids=str)
def test_the_focus_is_found_anew_in_every_shot_where_cuts_are_looked_for(
    bfx: Bfx, tmp_path: Path, options: list[str], focus_m: list[float]
) -> None:
    cut, clip = 3, Clip(FRAMES, HEIGHT, WIDTH, codec="ffv1", pixel_format="bgr0")
    write_clip(tmp_path / "a.mkv", clip, two_shots(HEIGHT, WIDTH, cut, FRAMES))
    depths = _write_depths(tmp_path / "depths", FRAMES)
    for index in range(cut, FRAMES):
        np.save(depths / f"{index:03d}.npy", np.full((HEIGHT, WIDTH), 4.0, np.float32))
    completed = bfx("render", tmp_path / "a.mkv", "--depth", depths, "--autofocus", *options)
    assert completed.exit_code == 0, completed.stderr
    assert ("in the first of 2 shots" in completed.stdout) == (len(focus_m) > 1)
    expected = [focus_m[0]] * cut + [focus_m[-1]] * (FRAMES - cut)
    with (
        open_video(tmp_path / "a.mkv") as before,
        open_video(tmp_path / "a_bokeh.mkv") as after,
    ):
        for index, (sharp, blurred) in enumerate(zip(before.frames, after.frames, strict=True)):
            depth = read_depth(depths / f"{index:03d}.npy", HEIGHT, WIDTH)
            picture = render(sharp.image, depth, Lens(focus_m=expected[index]))
            assert (blurred.image - picture).abs().mean() * 255 < VIDEO_MEAN_LEVELS


def test_cuts_are_looked_for_in_videos_alone(bfx: Bfx, tmp_path: Path) -> None:
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(tmp_path / "a.png")
    line = bfx("render", tmp_path / "a.png", "--cuts").require_plain_error(2)
    assert "--cuts with a photo" in line


def test_frames_times_and_sound(bfx: Bfx, folder: Path) -> None:
    source, target = folder / "a.mp4", folder / "b.mp4"
    completed = bfx(
        "render", source, "--depth", folder / "depths", "-o", target, "--autofocus", "--json"
    )
    assert completed.exit_code == 0, completed.stderr
    facts = completed.document
    assert (facts["kind"], facts["frames"], facts["audio_streams"]) == ("video", FRAMES, 1)
    # Chosen in the first frame and held, though the wall moves.
    assert facts["lens"]["focus_m"] == 1.5
    assert completed.stderr == ""
    assert [packet for _, packet in audio_packets(target)] == [
        packet for _, packet in audio_packets(source)
    ]
    with open_video(source) as before, open_video(target) as after:
        for index, (sharp, blurred) in enumerate(zip(before.frames, after.frames, strict=True)):
            seconds = blurred.pts * after.info.time_base
            assert float(seconds) == pytest.approx(TICKS[index] / 1000, abs=TIMESTAMP_S)
            depth = read_depth(folder / "depths" / f"{index:03d}.npy", HEIGHT, WIDTH)
            expected = render(sharp.image, depth, Lens(focus_m=1.5))
            error = (blurred.image - expected).abs().mean() * 255
            assert error < VIDEO_MEAN_LEVELS


def test_sound_that_is_left_out_is_told(bfx: Bfx, folder: Path) -> None:
    rename_codec(folder / "a.mp4", b"mp4a")
    completed = bfx("render", folder / "a.mp4", "--depth", folder / "depths", "--json")
    assert completed.exit_code == 0, completed.stderr
    facts = completed.document
    assert (facts["audio_streams"], facts["unknown_audio_streams"]) == (0, 1)
    assert "left out" in completed.stderr


def test_high_dynamic_range_is_for_the_user_to_tone_map(bfx: Bfx, tmp_path: Path) -> None:
    write_plain_hdr(tmp_path / "a.mkv", (0.58, 0.58, 0.58), 18)
    depths = _write_depths(tmp_path / "depths", 2, height=32, width=48)
    arguments = ["render", tmp_path / "a.mkv", "--depth", depths, "--focus-m", "2", "--json"]
    refused = bfx(*arguments)
    assert refused.exit_code == 2
    assert "--tone-map" in refused.stderr
    assert names_in(tmp_path) == ["a.mkv", "depths"]
    completed = bfx(*arguments, "--tone-map")
    assert completed.exit_code == 0, completed.stderr
    assert completed.document["tone_map"] is True
    with open_video(tmp_path / "a.mkv", tone_map=True) as before:
        wanted = [frame.image for frame in before.frames]
    with open_video(tmp_path / "a_bokeh.mkv") as after:
        for frame, image in zip(after.frames, wanted, strict=True):
            assert float((frame.image - image).abs().mean()) < VIDEO_MEAN_LEVELS / 255.0


def test_default_name_keeps_a_format_that_can_be_written(bfx: Bfx, folder: Path) -> None:
    write_clip(folder / "c.avi", Clip(FRAMES, HEIGHT, WIDTH, codec="mpeg4"))
    for source, target in (("a.mp4", "a_bokeh.mp4"), ("c.avi", "c.avi_bokeh.mp4")):
        assert bfx("render", folder / source, "--depth", folder / "depths").exit_code == 0
        with av.open(str(folder / target)) as container:
            assert sum(1 for _ in container.decode(video=0)) == FRAMES


def test_depth_frames_are_written_to_a_new_folder(bfx: Bfx, folder: Path) -> None:
    completed = bfx(
        "render", folder / "a.mp4", "--depth", folder / "depths", "--depth-out", folder / "out"
    )
    assert completed.exit_code == 0, completed.stderr
    assert names_in(folder / "out") == [f"depth_{index:06d}.png" for index in range(FRAMES)]
    for index in range(FRAMES):
        written = read_depth(folder / "out" / f"depth_{index:06d}.png", HEIGHT, WIDTH)
        given = read_depth(folder / "depths" / f"{index:03d}.npy", HEIGHT, WIDTH)
        assert torch.allclose(written, given, atol=DEPTH_HALF_STEP_M)
    again = bfx(
        "render", folder / "a.mp4", "--depth", folder / "depths", "--depth-out", folder / "out"
    )
    assert "exists" in again.require_plain_error(2)


def test_a_video_that_cannot_be_finished_leaves_no_depth_either(
    bfx: Bfx, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, arguments = (
        names_in(folder),
        ["--depth", folder / "depths", "--depth-out", folder / "d"],
    )

    def fail_at_the_end(_: AudioCopy, time_s: Fraction | None) -> None:
        if time_s is None:
            raise av.FFmpegError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(AudioCopy, "copy_until", fail_at_the_end)
        failed = bfx("render", folder / "a.mp4", *arguments)
    assert "free some space" in failed.require_plain_error(2)
    assert names_in(folder) == before
    assert bfx("render", folder / "a.mp4", *arguments).exit_code == 0


def test_a_video_held_upright_takes_depth_as_displayed(bfx: Bfx, folder: Path) -> None:
    set_display_matrix(folder / "a.mp4", (0, 1, -1, 0))
    _write_depths(folder / "turned", FRAMES, height=WIDTH, width=HEIGHT)
    assert bfx("render", folder / "a.mp4", "--depth", folder / "turned").exit_code == 0
    with open_video(folder / "a_bokeh.mp4") as video:
        assert (video.info.height, video.info.width) == (WIDTH, HEIGHT)


def test_odd_sides_are_told(bfx: Bfx, tmp_path: Path) -> None:
    odd = Clip(1, HEIGHT - 1, WIDTH - 1, codec="ffv1", pixel_format="bgr0")
    write_clip(tmp_path / "odd.mkv", odd)
    depths = _write_depths(tmp_path / "depths", 1, HEIGHT - 1, WIDTH - 1)
    done = bfx("render", tmp_path / "odd.mkv", "--depth", depths, "--focus-m", "2")
    assert done.exit_code == 0, done.stderr
    assert f"the video is {HEIGHT}x{WIDTH}" in done.stderr


def _remove_last(folder: Path) -> None:
    (folder / "depths" / "004.npy").unlink()


def _one_too_many(folder: Path) -> None:
    np.save(folder / "depths" / "005.npy", np.ones((HEIGHT, WIDTH), np.float32))


def _bad_third(folder: Path) -> None:
    np.save(folder / "depths" / "002.npy", np.zeros((HEIGHT, WIDTH), np.float32))


def _cut_video(folder: Path) -> None:
    content = (folder / "a.mp4").read_bytes()
    (folder / "a.mp4").write_bytes(content[: len(content) * 3 // 4])


def _nothing(_folder: Path) -> None:
    return


BAD_REQUESTS = {
    "too few depth maps": (_remove_last, [], "4 depth maps for 5 frames"),
    "too many depth maps": (_one_too_many, [], "6 depth maps for 5 frames"),
    "a bad depth map in the middle": (_bad_third, [], "zero or negative"),
    "a truncated video": (_cut_video, [], "cut short"),
    "one depth map for a video": (_nothing, ["--depth", "depths/000.npy"], "not a folder"),
    "an empty depth folder": (lambda f: (f / "e").mkdir(), ["--depth", "e"], "holds no"),
    "photo suffix": (_nothing, ["-o", "b.jpg"], "'.jpg'"),
    "side by side": (_nothing, ["--side-by-side", "c.png"], "--side-by-side"),
    "tone mapping standard range": (_nothing, ["--tone-map"], "standard dynamic range"),
    "exif": (_nothing, ["--lens-from-exif"], "--lens-from-exif with a video"),
    "missing output folder": (_nothing, ["-o", "no/b.mp4"], "not a folder"),
    "missing folder for depth": (_nothing, ["--depth-out", "no/d"], "not a folder"),
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_requests_get_one_plain_error_and_leave_nothing(
    bfx: Bfx, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    spoil, options, reason = BAD_REQUESTS[kind]
    spoil(folder)
    monkeypatch.chdir(folder)
    before = names_in(folder)
    if "--depth" not in options:
        options = [*options, "--depth", "depths"]
    if "--depth-out" not in options:
        options = [*options, "--depth-out", "out"]
    assert reason in bfx("render", "a.mp4", *options).require_plain_error(2)
    assert names_in(folder) == before


@pytest.mark.parametrize("spoil", [_remove_last, _one_too_many, _bad_third])
def test_depth_maps_are_looked_through_before_anything_is_rendered(
    bfx: Bfx, folder: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    spoil(folder)
    monkeypatch.setattr(DepthFrames, "render", lambda *_: pytest.fail("rendered"))
    completed = bfx("render", folder / "a.mp4", "--depth", folder / "depths", "--focus-m", "2")
    completed.require_plain_error(2)


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"]
)
def test_a_signal_in_the_middle_leaves_nothing(
    tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    frames = 300
    write_clip(tmp_path / "a.mp4", Clip(frames, HEIGHT, WIDTH))
    _write_depths(tmp_path / "depths", frames)
    before = names_in(tmp_path)
    process = subprocess.Popen(
        [
            sys.executable,
            *["-m", "bokehflow.cli.main", "render", "a.mp4"],
            *["--depth", "depths", "--depth-out", "out"],
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out*/depth_000002.png")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == exit_code, stderr
    assert "Traceback" not in stderr
    assert names_in(tmp_path) == before
