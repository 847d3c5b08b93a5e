from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from bokehflow.errors import MediaError
from bokehflow.media.photo import to_uint8
from bokehflow.media.tone_map import Transfer, tone_mapped
from bokehflow.media.video_colours import frame_to_srgb
from bokehflow.media.video_orientation import orientation_of
from bokehflow.media.video_reader import Frame, VideoInfo, open_video
from bokehflow.media.video_writer import open_video_writer
from bokehflow.srgb import srgb_to_linear
from tests.media.samples import (
    Clip,
    Pixels,
    rename_codec,
    set_display_matrix,
    write_clip,
    write_jpeg_clip,
    write_plain_hdr,
)
from tests.tolerances import (
    LOSSLESS_VIDEO_LEVELS,
    P3_XYZ,
    READ_LEVELS,
    READ_MEAN_LEVELS,
    TEN_BIT_STEP,
    VIDEO_MEAN_LEVELS,
)

# 8-bit 4:4:4 and RGB streams, decoded exactly: they test our own conversion only. Odd sizes.
LOSSLESS = {
    "rgb": Clip(height=33, width=51, codec="ffv1", pixel_format="bgr0"),
    "yuv444": Clip(height=33, width=51, codec="ffv1", pixel_format="yuv444p"),
}


def _read(path: Path) -> tuple[VideoInfo, list[Frame]]:
    with open_video(path) as video:
        return video.info, list(video.frames)


def _levels(frame: Frame) -> Pixels:
    return to_uint8(frame.image)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_colours_and_odd_sizes_are_read_exactly(tmp_path: Path, kind: str) -> None:
    expected = write_clip(tmp_path / "a.mkv", LOSSLESS[kind])
    info, frames = _read(tmp_path / "a.mkv")
    assert (info.height, info.width, info.audio_streams) == (33, 51, 0)
    assert len(frames) == len(expected)
    for frame, pixels in zip(frames, expected, strict=True):
        difference = _levels(frame).astype(int) - pixels.astype(int)
        assert np.abs(difference).max() <= LOSSLESS_VIDEO_LEVELS


# The matrix a phone writes when it is held so, and what it shows: numpy's quarter turns.
TURNS = {
    "upright": ((1, 0, 0, 1), 0),
    "clockwise": ((0, 1, -1, 0), -1),
    "upside down": ((-1, 0, 0, -1), 2),
    "counterclockwise": ((0, -1, 1, 0), 1),
}


@pytest.mark.parametrize("turn", TURNS)
def test_the_display_matrix_turns_frames_upright(tmp_path: Path, turn: str) -> None:
    matrix, quarter_turns = TURNS[turn]
    write_clip(tmp_path / "plain.mp4")
    (tmp_path / "turned.mp4").write_bytes((tmp_path / "plain.mp4").read_bytes())
    set_display_matrix(tmp_path / "turned.mp4", matrix)
    _, plain = _read(tmp_path / "plain.mp4")
    info, turned = _read(tmp_path / "turned.mp4")
    expected = np.rot90(_levels(plain[0]), quarter_turns)
    assert (info.height, info.width) == expected.shape[:2]
    assert np.array_equal(_levels(turned[0]), expected)


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)])
def test_a_mirrored_video_is_shown_as_its_matrix_says(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    write_clip(tmp_path / "plain.mp4")
    (tmp_path / "facing.mp4").write_bytes((tmp_path / "plain.mp4").read_bytes())
    set_display_matrix(tmp_path / "facing.mp4", matrix)
    stored = _levels(_read(tmp_path / "plain.mp4")[1][0])
    info, shown = _read(tmp_path / "facing.mp4")
    # Pixel by pixel: x goes to a x + c y, and y to b x + d y (ISO/IEC 14496-12, section 8.2.2).
    a, b, c, d = matrix
    y, x = np.mgrid[: stored.shape[0], : stored.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    expected = np.empty((np.ptp(to_y) + 1, np.ptp(to_x) + 1, 3), np.uint8)
    expected[to_y - to_y.min(), to_x - to_x.min()] = stored
    assert (info.height, info.width) == expected.shape[:2]
    assert np.array_equal(_levels(shown[0]), expected)


class _BesideUnknownData:
    """A frame with side data of a kind that PyAV does not know."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.rotation = frame.rotation

    @property
    def side_data(self) -> object:
        raise ValueError("31 is not a valid Type")


@pytest.mark.parametrize("turn", TURNS)
def test_a_frame_is_turned_beside_side_data_of_an_unknown_kind(tmp_path: Path, turn: str) -> None:
    path = tmp_path / "a.mp4"
    write_clip(path)
    matrix, quarter_turns = TURNS[turn]
    set_display_matrix(path, matrix)
    with av.open(str(path)) as container:
        frame: Any = _BesideUnknownData(next(container.decode(video=0)))
    assert orientation_of(frame, path) == (False, quarter_turns % 4)


def test_jpeg_frames_with_an_exif_block_are_read(tmp_path: Path) -> None:
    write_jpeg_clip(tmp_path / "a.avi", 3)
    info, frames = _read(tmp_path / "a.avi")
    assert (info.height, info.width, len(frames)) == (48, 64, 3)


def test_an_odd_angle_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    set_display_matrix(tmp_path / "a.mp4", (1, 1, -1, 1))
    with pytest.raises(MediaError, match="odd angle"):
        _read(tmp_path / "a.mp4")


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


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_times_are_kept(tmp_path: Path, suffix: str) -> None:
    ticks = (0, 33, 90, 91, 250)
    write_clip(tmp_path / f"a{suffix}", Clip(ticks=ticks))
    info, frames = _read(tmp_path / f"a{suffix}")
    assert [frame.pts * info.time_base * 1000 for frame in frames] == list(ticks)


def test_the_frame_count_is_known_for_a_progress_bar(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        write_clip(tmp_path / f"a{suffix}", Clip(frames=7))
        assert _read(tmp_path / f"a{suffix}")[0].frame_count == 7


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_an_avi_that_was_written_into_a_pipe_is_read(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.avi"
    write_clip(path, Clip(codec="mpeg4"))
    content = bytearray(path.read_bytes())
    content[4:8] = length.to_bytes(4, "little")
    path.write_bytes(content)
    assert len(_read(path)[1]) == 5


def test_frames_of_an_avi_come_in_their_order_with_rising_times(tmp_path: Path) -> None:
    written = write_clip(tmp_path / "a.avi", Clip(frames=10))
    with av.open(str(tmp_path / "a.avi")) as container:
        told = [frame.pts for frame in container.decode(video=0)]
    assert told != sorted(told)  # frames are coded ahead of others
    _, frames = _read(tmp_path / "a.avi")
    assert [frame.pts for frame in frames] == list(range(10))
    for frame, pixels in zip(frames, written, strict=True):
        assert np.abs(_levels(frame).astype(float) - pixels).mean() < VIDEO_MEAN_LEVELS


def test_frames_of_an_avi_that_never_looks_ahead_are_not_late(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.avi", Clip(frames=6, encoding=(("bf", "0"),)))
    assert [frame.pts for frame in _read(tmp_path / "a.avi")[1]] == list(range(6))


def test_times_that_do_not_rise_are_refused_elsewhere(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", Clip(frames=3, codec="ffv1", pixel_format="bgr0"))
    content = bytearray((tmp_path / "a.mkv").read_bytes())
    with av.open(str(tmp_path / "a.mkv")) as container:
        last = [bytes(packet) for packet in container.demux(video=0) if packet.size][-1]
    # A packet's time within its cluster, then flags come before it (RFC 9559, section 10.2).
    place = content.index(last)
    content[place - 3 : place - 1] = b"\0\0"
    (tmp_path / "a.mkv").write_bytes(content)
    with pytest.raises(MediaError, match="times that rise"):
        _read(tmp_path / "a.mkv")


def _cut(suffix: str, share: float) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"a{suffix}"
        codec = "mpeg4" if suffix == ".avi" else "libx264"
        options = (("movflags", "faststart"),) if suffix == ".mp4" else ()
        write_clip(path, Clip(frames=12, codec=codec, options=options))
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return make


def _damaged(folder: Path) -> Path:
    path = folder / "a.mp4"
    write_clip(path, Clip(frames=12, height=128, width=128))
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][6]
        start, size = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    content[start + 4 : start + size] = bytes(255 for _ in range(size - 4))
    path.write_bytes(content)
    return path


def _text(folder: Path) -> Path:
    (folder / "a.mp4").write_text("this is not a video")
    return folder / "a.mp4"


def _audio_only(folder: Path) -> Path:
    with av.open(str(folder / "a.mka"), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=48000)
        silence = av.AudioFrame(format="s16", layout="mono", samples=1024)
        silence.sample_rate, silence.pts = 48000, 0
        output.mux(stream.encode(silence))
        output.mux(stream.encode(None))
    return folder / "a.mka"


def _unknown_codec(folder: Path) -> Path:
    write_clip(folder / "a.mp4")
    rename_codec(folder / "a.mp4", b"avc1")
    return folder / "a.mp4"


GREY = (0.58, 0.58, 0.58)


def _hdr(transfer: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_plain_hdr(folder / "a.mkv", GREY, transfer)
        return folder / "a.mkv"

    return make


def _coded_as(matrix: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_clip(folder / "a.mp4", Clip(colour_matrix=matrix))
        return folder / "a.mp4"

    return make


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.mp4")
    return folder / "a.mp4"


def _with_trailer(trailer: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_clip(folder / "a.mp4")
        with (folder / "a.mp4").open("ab") as file:
            file.write(trailer)
        return folder / "a.mp4"

    return make


def _avi_that_counts_its_header(folder: Path) -> Path:
    write_clip(folder / "a.avi", Clip(codec="mpeg4"))
    content = bytearray((folder / "a.avi").read_bytes())
    content[4:8] = len(content).to_bytes(4, "little")
    (folder / "a.avi").write_bytes(content)
    return folder / "a.avi"


ODD_ENDS = {
    "zeros": _with_trailer(bytes(4)),
    "a line": _with_trailer(b"\r\n\0"),
    "text": _with_trailer(b"a recorder's own remarks"),
    "an avi that counts its header": _avi_that_counts_its_header,
}


@pytest.mark.parametrize("kind", ODD_ENDS)
def test_whole_films_with_odd_ends_are_read(tmp_path: Path, kind: str) -> None:
    assert len(_read(ODD_ENDS[kind](tmp_path))[1]) == 5


BAD_VIDEOS = {
    "mp4 cut at half": (_cut(".mp4", 0.5), "cut short"),
    "mp4 cut at the end": (_cut(".mp4", 0.99), "cut short"),
    "mkv cut at half": (_cut(".mkv", 0.5), "cut short"),
    "mkv cut at the end": (_cut(".mkv", 0.99), "cut short"),
    "avi cut at half": (_cut(".avi", 0.5), "cut short"),
    "a few bytes": (_cut(".mp4", 0.001), "cut short|cannot be read"),
    "damaged inside": (_damaged, "damaged|cannot be read"),
    "text": (_text, "cannot be read"),
    "empty": (_cut(".mp4", 0.0), "cannot be read"),
    "sound only": (_audio_only, "no video"),
    "a codec without a decoder": (_unknown_codec, "codec that FFmpeg does not know"),
    "high dynamic range, PQ": (_hdr(16), "PQ.*--tone-map"),
    "high dynamic range, HLG": (_hdr(18), "HLG.*--tone-map"),
    "wide gamut": (_hdr(1), "wide gamut"),
    "unknown colours": (_coded_as(8), "colour matrix has the number 8"),
    "pipe": (_pipe, "pipe or a device"),
    "missing": (lambda folder: folder / "a.mp4", "No such file"),
    "folder": (lambda folder: folder, "cannot be"),
}


@pytest.mark.parametrize("name", ["12:30:05.mp4", "file:a.mp4", "concat:a.mp4"])
def test_a_name_with_a_colon_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(Path("plain.mp4"), Clip(frames=2, audio_codec="aac"))
    Path("plain.mp4").rename(name)
    with open_video(Path(name)) as video, open_video_writer(Path("b.mp4"), video.info) as writer:
        for frame in video.frames:
            writer.write(frame.image, frame.pts, frame.duration)
    with open_video(Path("b.mp4")) as video:
        assert (len(list(video.frames)), video.info.audio_streams) == (2, 1)


@pytest.mark.parametrize("kind", BAD_VIDEOS)
def test_bad_videos_are_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    make, reason = BAD_VIDEOS[kind]
    path = make(tmp_path)
    with pytest.raises(MediaError, match=reason):
        _read(path)


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


def test_standard_range_is_read_as_ever_where_tone_mapping_is_allowed(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", LOSSLESS["rgb"])
    _, plain = _read(tmp_path / "a.mkv")
    with open_video(tmp_path / "a.mkv", tone_map=True) as video:
        for frame, wanted in zip(video.frames, plain, strict=True):
            assert torch.equal(frame.image, wanted.image)


def test_wide_gamut_of_standard_range_is_refused_even_so(tmp_path: Path) -> None:
    path = _hdr(1)(tmp_path)
    with pytest.raises(MediaError, match="wide gamut"), open_video(path, tone_map=True):
        pass


@pytest.mark.parametrize("primaries", [9, 11], ids=["BT.2020", "DCI-P3"])
def test_wide_primaries_beside_a_usual_matrix_are_refused(tmp_path: Path, primaries: int) -> None:
    write_clip(tmp_path / "a.mkv", Clip(color_primaries=primaries))
    with pytest.raises(MediaError, match="wide gamut"):
        _read(tmp_path / "a.mkv")


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
    _, frames = _read(tmp_path / "a.mkv")
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


@pytest.mark.parametrize(
    ("aspect", "width"), [(Fraction(4, 3), 86), (Fraction(1, 2), 32), (Fraction(1), 64)], ids=str
)
@pytest.mark.parametrize("sideways", [False, True], ids=["upright", "sideways"])
def test_pixels_are_made_square(
    tmp_path: Path, aspect: Fraction, width: int, sideways: bool
) -> None:
    path = tmp_path / "a.mp4"
    written = write_clip(path, Clip(sample_aspect_ratio=aspect))
    wanted = np.asarray(Image.fromarray(written[0]).resize((width, 48), Image.Resampling.BICUBIC))
    if sideways:
        set_display_matrix(path, (0, 1, -1, 0))
        wanted = np.rot90(wanted, -1)
    info, frames = _read(path)
    assert (info.height, info.width) == wanted.shape[:2]
    assert np.abs(_levels(frames[0]).astype(float) - wanted).mean() < VIDEO_MEAN_LEVELS


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
