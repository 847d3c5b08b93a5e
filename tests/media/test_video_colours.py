from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from bokehflow.errors import MediaError
from bokehflow.media.tone_map import Transfer, tone_mapped
from bokehflow.media.video_colours import frame_to_srgb
from bokehflow.media.video_reader import open_video
from bokehflow.srgb import srgb_to_linear
from tests.media.reading import levels_of, read_all
from tests.media.samples import (
    Clip,
    ColourWave,
    write_clip,
    write_colour_wave,
    write_palette_clip,
    write_plain_hdr,
)
from tests.tolerances import (
    COLOUR_PLACE_PX,
    GREY_LEVELS,
    LOSSLESS_VIDEO_LEVELS,
    P3_XYZ,
    READ_LEVELS,
    READ_MEAN_LEVELS,
    SIXTEEN_BIT_TONE,
    TEN_BIT_STEP,
)

# 8-bit 4:4:4 and RGB streams, decoded exactly: they test our own conversion only. Odd sizes.
LOSSLESS = {
    "rgb": Clip(height=33, width=51, codec="ffv1", pixel_format="bgr0"),
    "yuv444": Clip(height=33, width=51, codec="ffv1", pixel_format="yuv444p"),
}

GREY = (0.58, 0.58, 0.58)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_colours_and_odd_sizes_are_read_exactly(tmp_path: Path, kind: str) -> None:
    expected = write_clip(tmp_path / "a.mkv", LOSSLESS[kind])
    info, frames = read_all(tmp_path / "a.mkv")
    assert (info.height, info.width, info.audio_streams) == (33, 51, 0)
    assert len(frames) == len(expected)
    for frame, pixels in zip(frames, expected, strict=True):
        difference = levels_of(frame).astype(int) - pixels.astype(int)
        assert np.abs(difference).max() <= LOSSLESS_VIDEO_LEVELS


@pytest.mark.parametrize(
    "pixel_format", ["yuv420p", "nv12", "yuv422p", "yuv420p10le", "yuv422p10le", "yuv444p10le"]
)
def test_no_level_gets_lost_on_the_way_to_rgb(pixel_format: str) -> None:
    deep = "10le" in pixel_format
    coded = np.random.default_rng(0).integers((16, 96, 96), (236, 160, 160), (40, 3))
    luma, blue, red = (coded.T - [[16], [128], [128]]) / [[219], [224], [224]]
    green = luma - 0.1873 * blue - 0.4681 * red
    exact = np.stack([luma + 1.5748 * red, green, luma + 1.8556 * blue])
    errors = []
    for levels, wanted in zip(coded, 255.0 * exact.T.clip(0.0, 1.0), strict=True):
        frame = _plain_frame(pixel_format, levels * (4 if deep else 1))
        found = 255.0 * frame_to_srgb(frame, None, frame.width)[0, :, 8, 8].numpy()
        errors.append(found - wanted)
    assert np.abs(errors).max() < READ_LEVELS
    assert abs(np.mean(errors)) < READ_MEAN_LEVELS


def _plain_frame(pixel_format: str, levels: np.ndarray) -> av.VideoFrame:
    """A frame of one colour in BT.709: its levels of luma, blue and red."""
    frame = av.VideoFrame(64, 48, pixel_format)
    frame.colorspace, frame.color_range = 1, 1
    kind = "<u2" if "10le" in pixel_format else "u1"
    parts = [levels[:1], levels[1:]] if pixel_format == "nv12" else levels[:, None]
    for plane, part in zip(frame.planes, parts, strict=True):
        size = plane.buffer_size // np.dtype(kind).itemsize
        plane.update(np.resize(part, size).astype(kind).tobytes())
    return frame


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray16le"])
@pytest.mark.parametrize(
    ("color_range", "levels", "shown"),
    [(1, (16, 125.5, 235), (0.0, 0.5, 1.0)), (2, (0, 127.5, 255), (0.0, 0.5, 1.0))],
    ids=["limited", "full"],
)
def test_grey_films_are_read_in_their_range(
    pixel_format: str,
    color_range: int,
    levels: tuple[float, float, float],
    shown: tuple[float, float, float],
) -> None:
    for level, wanted in zip(levels, shown, strict=True):
        frame = av.VideoFrame(64, 48, pixel_format)
        frame.color_range = color_range
        kind, scale = ("u1", 1) if pixel_format == "gray" else ("<u2", 2 ** (_bits(frame) - 8))
        plane = frame.planes[0]
        size = plane.buffer_size // np.dtype(kind).itemsize
        plane.update(np.full(size, level * scale).astype(kind).tobytes())
        found = 255.0 * frame_to_srgb(frame, None, frame.width)[0, :, 8, 8].numpy()
        assert np.abs(found - 255.0 * wanted).max() <= GREY_LEVELS


def _bits(frame: av.VideoFrame) -> int:
    return frame.format.components[0].bits


QUIET = (("x265-params", "log-level=0"),)
TOLD = (("x264-params", "chromaloc=1"),)
WAVES = {
    "vp9": (".webm", ColourWave("libvpx-vp9")),
    "ffv1": (".mkv", ColourWave("ffv1")),
    "ffv1 in 4:2:2": (".mkv", ColourWave("ffv1", "yuv422p")),
    "prores": (".mov", ColourWave("prores_ks", "yuv422p10le")),
    "dnxhd": (".mov", ColourWave("dnxhd", "yuv422p", encoding=(("profile", "dnxhr_hq"),))),
    "h264": (".mp4", ColourWave("libx264")),
    "h264 in 4:2:2": (".mkv", ColourWave("libx264", "yuv422p")),
    "h264 that tells": (".mp4", ColourWave("libx264", "yuv420p", 0.5, TOLD)),
    "hevc": (".ts", ColourWave("libx265", encoding=QUIET)),
    "hevc in 4:2:2": (".ts", ColourWave("libx265", "yuv422p10le", encoding=QUIET)),
    "mpeg2": (".mpg", ColourWave("mpeg2video")),
    "mpeg4": (".avi", ColourWave("mpeg4")),
    "mpeg1": (".mpg", ColourWave("mpeg1video", "yuv420p", 0.5)),
    "jpeg": (".avi", ColourWave("mjpeg", "yuvj420p", 0.5)),
    "jpeg in 4:2:2": (".avi", ColourWave("mjpeg", "yuvj422p", 0.5)),
}


@pytest.mark.parametrize("kind", WAVES)
def test_colours_are_read_where_they_are(tmp_path: Path, kind: str) -> None:
    suffix, film = WAVES[kind]
    path = tmp_path / f"a{suffix}"
    wave = write_colour_wave(path, film)
    red = levels_of(read_all(path)[1][0])[film.height // 2, :, 0].astype(float)
    turning = np.exp(-2j * np.pi * np.arange(film.width) / film.period_px)
    turned = np.angle(((red - red.mean()) @ turning) / (wave @ turning))
    assert abs(turned / (2 * np.pi) * film.period_px) < COLOUR_PLACE_PX


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
@pytest.mark.parametrize("signal", [(0.0, 0.0, 0.0), GREY, (0.9, 0.9, 0.9), (0.6, 0.3, 0.2)])
def test_high_dynamic_range_is_tone_mapped_on_request(
    tmp_path: Path, transfer: int, name: Transfer, signal: tuple[float, float, float]
) -> None:
    path = tmp_path / "a.mkv"
    write_plain_hdr(path, signal, transfer)
    with open_video(path, tone_map=True) as video:
        frames = list(video.frames)
    assert len(frames) == 2
    wanted = tone_mapped(torch.tensor(signal).reshape(1, 3, 1, 1), name)
    for frame in frames:
        torch.testing.assert_close(
            frame.image, wanted.expand_as(frame.image), atol=TEN_BIT_STEP, rtol=0.0
        )


@pytest.mark.parametrize("pixel_format", ["yuv444p10le", "yuv420p12le", "gbrp10le", "gbrp12le"])
def test_high_dynamic_range_of_full_range_has_its_white(pixel_format: str) -> None:
    frame = av.VideoFrame(64, 48, pixel_format)
    frame.color_range = 2
    most = 2 ** _bits(frame) - 1
    for index, plane in enumerate(frame.planes):
        is_light = index == 0 or pixel_format.startswith("gbr")
        level = round(GREY[0] * most) if is_light else (most + 1) // 2
        plane.update(np.full(plane.buffer_size // 2, level).astype("<u2").tobytes())
    found = frame_to_srgb(frame, "PQ", frame.width)
    wanted = tone_mapped(torch.full((1, 3, 1, 1), round(GREY[0] * most) / most), "PQ")
    torch.testing.assert_close(found, wanted.expand_as(found), atol=SIXTEEN_BIT_TONE, rtol=0.0)


def test_standard_range_is_read_as_ever_where_tone_mapping_is_allowed(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", LOSSLESS["rgb"])
    _, plain = read_all(tmp_path / "a.mkv")
    with open_video(tmp_path / "a.mkv", tone_map=True) as video:
        for frame, wanted in zip(video.frames, plain, strict=True):
            assert torch.equal(frame.image, wanted.image)


def test_wide_gamut_of_standard_range_is_refused_even_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write_plain_hdr(path, GREY, 1)
    with pytest.raises(MediaError, match="wide gamut"), open_video(path, tone_map=True):
        pass


@pytest.mark.parametrize("primaries", [9, 11], ids=["BT.2020", "DCI-P3"])
def test_wide_primaries_beside_a_usual_matrix_are_refused(tmp_path: Path, primaries: int) -> None:
    write_clip(tmp_path / "a.mkv", Clip(color_primaries=primaries))
    with pytest.raises(MediaError, match="wide gamut"):
        read_all(tmp_path / "a.mkv")


def test_tone_mapping_is_for_the_primaries_that_it_knows(tmp_path: Path) -> None:
    write_plain_hdr(tmp_path / "a.mkv", GREY, 16, primaries=12)
    with (
        pytest.raises(MediaError, match="other primaries"),
        open_video(tmp_path / "a.mkv", tone_map=True),
    ):
        pytest.fail("the block must not run")


def test_display_p3_is_shown_in_the_colours_of_srgb(tmp_path: Path) -> None:
    lossless = LOSSLESS["rgb"]
    written = write_clip(tmp_path / "a.mkv", dataclasses.replace(lossless, color_primaries=12))
    _, frames = read_all(tmp_path / "a.mkv")
    p3, srgb = torch.tensor(written[0] / 255.0), frames[0].image[0].permute(1, 2, 0).double()
    linear_p3, linear_srgb = srgb_to_linear(p3), srgb_to_linear(srgb)
    # The colour as both see it: X, Y and Z of each set of primaries under D65.
    p3_xyz = torch.tensor(
        [[0.48657, 0.26567, 0.19822], [0.22897, 0.69174, 0.07929], [0.0, 0.04511, 1.04394]]
    ).double()
    srgb_xyz = torch.tensor(
        [[0.41239, 0.35758, 0.18048], [0.21264, 0.71517, 0.07219], [0.01933, 0.11919, 0.95053]]
    ).double()
    shown = ((srgb > 0) & (srgb < 1)).all(-1)
    assert shown.float().mean() > 0.3
    wanted, found = linear_p3 @ p3_xyz.T, linear_srgb @ srgb_xyz.T
    torch.testing.assert_close(found[shown], wanted[shown], atol=P3_XYZ, rtol=0.0)


TRANSPARENT = {
    "rgb": (".mkv", Clip(codec="ffv1", pixel_format="bgra")),
    "yuv": (".mkv", Clip(codec="ffv1", pixel_format="yuva420p")),
    "quicktime": (".mov", Clip(codec="qtrle", pixel_format="argb")),
    "webm": (".webm", Clip(codec="libvpx-vp9", pixel_format="yuva420p")),
    "webm, as FFmpeg's users tag it": (
        ".webm",
        Clip(codec="libvpx-vp9", pixel_format="yuva420p", tags=(("alpha_mode", "1"),)),
    ),
}


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_transparency_is_refused(tmp_path: Path, kind: str) -> None:
    suffix, clip = TRANSPARENT[kind]
    path = tmp_path / f"a{suffix}"
    write_clip(path, clip)
    with (
        pytest.raises(MediaError, match="video with transparency; expected opaque frames"),
        open_video(path),
    ):
        pytest.fail("the block must not run")


def test_transparent_colours_of_a_palette_are_refused_where_they_are_shown(tmp_path: Path) -> None:
    write_palette_clip(tmp_path / "a.mov", (255, 255, 255, 255))
    shown = levels_of(read_all(tmp_path / "a.mov")[1][0])
    assert np.unique(shown).tolist() == [0, 85, 170, 255]
    for alpha in (0, 128):
        write_palette_clip(tmp_path / "a.mov", (255, 255, alpha, 255))
        with pytest.raises(MediaError, match="video with transparency; expected opaque frames"):
            read_all(tmp_path / "a.mov")
