from __future__ import annotations

import contextlib
import dataclasses
import errno
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from bokehflow.errors import MediaError, OutputError, SizeError
from bokehflow.media.audio_copy import AudioCopy
from bokehflow.media.levels import to_uint8
from bokehflow.media.video_info import VideoInfo
from bokehflow.media.video_reader import open_video
from bokehflow.media.video_writer import open_video_writer
from tests.media.samples import (
    AUDIO_RATE,
    FRAME_RATE,
    Clip,
    audio_packets,
    double_sound,
    names_in,
    rename_codec,
    set_display_matrix,
    set_edits,
    trim,
    write_broadcast,
    write_clip,
)
from tests.tolerances import COLOUR_PLACE_PX, FRAME_TIME_S, ONE_TIME_S, VIDEO_MEAN_LEVELS


def _copy(source: Path, target: Path) -> VideoInfo:
    with open_video(source) as video, open_video_writer(target, video.info) as writer:
        for frame in video.frames:
            writer.write(frame.image, frame.pts, frame.duration)
    return video.info


def _frames(path: Path) -> tuple[VideoInfo, list[np.ndarray], list[float]]:
    with open_video(path) as video:
        frames = list(video.frames)
    times = [float(frame.pts * video.info.time_base) for frame in frames]
    return video.info, [to_uint8(frame.image) for frame in frames], times


def test_colours_stay_where_they_are(tmp_path: Path) -> None:
    # A wave of colour without one of light, its place told by its phase.
    width, period = 256, 32
    wave = 0.15 * np.sin(2 * np.pi * np.arange(width) / period)
    columns = torch.from_numpy(np.stack([0.5 + wave, 0.5 - wave * 0.299 / 0.587, 0.5 + 0 * wave]))
    image = columns.float()[None, :, None].expand(1, 3, 96, width)
    source = tmp_path / "a.mp4"
    write_clip(source, Clip(frames=1, height=96, width=width))
    with open_video(source) as video:
        info = video.info
    with open_video_writer(tmp_path / "b.mp4", info) as writer:
        writer.write(image, 0, 1)
    _, pictures, _ = _frames(tmp_path / "b.mp4")
    turning = np.exp(-2j * np.pi * np.arange(width) / period)
    turned = np.angle(((pictures[0][48, :, 0] / 255 - 0.5) @ turning) / (wave @ turning))
    assert abs(turned / (2 * np.pi) * period) < COLOUR_PLACE_PX


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_pictures_times_and_sound_survive(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    ticks = (0, 40, 95, 120, 200, 240, 260, 333, 400, 440)
    write_clip(source, Clip(frames=10, audio_codec="aac", ticks=ticks))
    _copy(source, target)
    info, pictures, times = _frames(target)
    source_info, source_pictures, source_times = _frames(source)
    assert times == source_times
    assert info.audio_streams == 1
    assert info.time_base == source_info.time_base
    assert audio_packets(target) == audio_packets(source)
    for picture, expected in zip(pictures, source_pictures, strict=True):
        assert np.abs(picture.astype(float) - expected).mean() < VIDEO_MEAN_LEVELS
    assert names_in(tmp_path) == [source.name, target.name]


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".flv"])
def test_what_a_clock_timed_begins_at_zero_and_its_sound_with_it(
    tmp_path: Path, suffix: str
) -> None:
    source, target = tmp_path / f"a{suffix}", tmp_path / "b.mp4"
    late = ("output_ts_offset", "50000")
    write_clip(source, Clip(frames=20, audio_codec="aac", options=(late,)))
    info = _copy(source, target)
    assert info.frame_count == pytest.approx(20, abs=2)
    assert _duration_s(target) == pytest.approx(20 / FRAME_RATE, abs=FRAME_TIME_S)
    apart = []
    for path in (source, target):
        with av.open(str(path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            starts = [float(stream.start_time * stream.time_base) for stream in (video, audio)]
        apart.append(starts[1] - starts[0])
    assert max(starts) < 1.0
    assert apart[0] == pytest.approx(apart[1], abs=FRAME_TIME_S)


def test_a_film_that_begins_after_a_while_is_left_so(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", Clip(frames=3, ticks=(700, 740, 780)))
    _copy(tmp_path / "a.mkv", tmp_path / "b.mp4")
    assert _frames(tmp_path / "b.mp4")[2] == [0.7, 0.74, 0.78]


def test_sound_keeps_its_language(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", Clip(audio_codec="aac"))
    double_sound(tmp_path / "a.mp4", tmp_path / "b.mp4", ("fre", "ger"))
    for suffix in (".mp4", ".mkv"):
        _copy(tmp_path / "b.mp4", tmp_path / f"out{suffix}")
        with av.open(str(tmp_path / f"out{suffix}")) as container:
            found = [stream.metadata["language"] for stream in container.streams.audio]
        assert found == ["fre", "ger"]


def _duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        assert container.duration is not None
        return container.duration / av.time_base


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
@pytest.mark.parametrize("count", [1, 14, 15])
def test_a_last_frame_that_stays_stays(tmp_path: Path, count: int, suffix: str) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / f"b{suffix}"
    write_clip(source, Clip(frames=count))
    with open_video(source) as video, open_video_writer(target, video.info) as writer:
        stays = round(2.0 / video.info.time_base)
        *others, last = video.frames
        for frame in (*others, dataclasses.replace(last, duration=stays)):
            writer.write(frame.image, frame.pts, frame.duration)
        end_s = float(last.pts * video.info.time_base) + 2.0
    assert _duration_s(target) == pytest.approx(end_s, abs=FRAME_TIME_S)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_a_film_of_uneven_frames_is_as_long_as_they_are(tmp_path: Path, suffix: str) -> None:
    write_clip(tmp_path / "a.mkv", Clip(frames=6, ticks=(0, 40, 300, 340, 1000, 4000)))
    _copy(tmp_path / "a.mkv", tmp_path / f"b{suffix}")
    assert _duration_s(tmp_path / f"b{suffix}") == pytest.approx(4.04, abs=FRAME_TIME_S)


def test_sound_that_was_trimmed_away_stays_away(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    write_clip(source, Clip(frames=75, audio_codec="aac", encoding=(("g", "25"), ("bf", "0"))))
    trim(source, 2)
    for suffix in (".mp4", ".mkv"):
        target = tmp_path / f"b{suffix}"
        _copy(source, target)
        assert _frames(target)[2][0] < FRAME_TIME_S
        assert _duration_s(target) == pytest.approx(1.0, abs=2 * FRAME_TIME_S)
    # What a decoder begins with is all that is left of it.
    assert len(audio_packets(tmp_path / "b.mkv")) <= AUDIO_RATE / 1024 + 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "edits",
    [((1.0, 0.0), (1.0, 2.0)), ((1.0, 1.0), (1.0, 0.0)), ((1.0, 0.0), (1.0, 0.0))],
    ids=["without the middle", "exchanged", "twice"],
)
def test_films_of_several_edits_are_copied(
    tmp_path: Path, edits: Sequence[tuple[float, float]], suffix: str
) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / f"b{suffix}"
    write_clip(source, Clip(frames=75, audio_codec="aac", encoding=(("g", "25"), ("bf", "0"))))
    set_edits(source, edits)
    _copy(source, target)
    assert len(_frames(target)[2]) == 50
    assert _duration_s(target) == pytest.approx(2.0, abs=FRAME_TIME_S)
    with av.open(str(target)) as container:
        heard = [packet for packet in container.demux(audio=0) if packet.size]
        length_s = sum(not packet.is_discard for packet in heard) * 1024 / AUDIO_RATE
    assert length_s == pytest.approx(2.0, abs=FRAME_TIME_S)


def test_the_stream_is_what_every_player_plays(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    _copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"


def test_sound_lies_beside_its_pictures(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", Clip(frames=100, audio_codec="aac"))
    _copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    longest_run = max(len(run) for run in "".join(kind[0] for kind in kinds).split("v"))
    assert longest_run < kinds.count("audio") / 2


def test_an_odd_frame_repeats_its_last_row_and_column(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", Clip(height=33, width=51, codec="ffv1", pixel_format="bgr0"))
    info = _copy(tmp_path / "a.mkv", tmp_path / "b.mp4")
    assert (info.height, info.width) == (33, 51)
    written, pictures, _ = _frames(tmp_path / "b.mp4")
    _, expected, _ = _frames(tmp_path / "a.mkv")
    assert (written.height, written.width) == (34, 52)
    padded = np.pad(expected[0], ((0, 1), (0, 1), (0, 0)), mode="edge")
    assert np.abs(pictures[0].astype(float) - padded).mean() < VIDEO_MEAN_LEVELS


def test_a_turned_source_is_written_upright(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    set_display_matrix(tmp_path / "a.mp4", (0, 1, -1, 0))
    _copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    info, pictures, _ = _frames(tmp_path / "b.mp4")
    _, expected, _ = _frames(tmp_path / "a.mp4")
    assert (info.height, info.width) == (64, 48)
    assert np.abs(pictures[0].astype(float) - expected[0]).mean() < VIDEO_MEAN_LEVELS


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt], ids=lambda e: e.__name__)
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    write_clip(tmp_path / "a.mp4", Clip(audio_codec="aac"))

    def stop_in_the_middle() -> None:
        with (
            open_video(tmp_path / "a.mp4") as video,
            open_video_writer(tmp_path / "b.mp4", video.info) as writer,
        ):
            for frame in video.frames:
                writer.write(frame.image, frame.pts, frame.duration)
                if frame.pts > 0:
                    raise error

    with pytest.raises(error):
        stop_in_the_middle()
    assert names_in(tmp_path) == ["a.mp4"]


def test_what_the_container_refuses_is_no_matter_of_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "a.mp4", Clip(audio_codec="aac"))

    def refuse(*_: object) -> None:
        raise av.ArgumentError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(AudioCopy, "copy_until", refuse)
    with pytest.raises(
        MediaError, match=rf"^a \.mov file does not take .*{tmp_path / 'a.mp4'}"
    ) as e:
        _copy(tmp_path / "a.mp4", tmp_path / "b.mov")
    assert "space" not in str(e.value)
    assert names_in(tmp_path) == ["a.mp4"]


def test_what_fails_at_the_end_still_closes_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "a.mp4", Clip(audio_codec="aac"))
    closed: list[AudioCopy] = []

    def fail_at_the_end(_: AudioCopy, time_s: Fraction | None) -> None:
        if time_s is None:
            raise av.FFmpegError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(AudioCopy, "copy_until", fail_at_the_end)
    monkeypatch.setattr(AudioCopy, "__exit__", lambda copy, *_: closed.append(copy))
    with (
        open_video(tmp_path / "a.mp4") as video,
        pytest.raises(OutputError, match=r"No space left on device; free some space$"),
        open_video_writer(tmp_path / "b.mp4", video.info) as writer,
    ):
        pass
    assert closed[-1] is writer._audio
    assert names_in(tmp_path) == ["a.mp4"]


def test_a_frame_of_another_size_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    with (
        open_video(tmp_path / "a.mp4") as video,
        pytest.raises(SizeError),
        open_video_writer(tmp_path / "b.mp4", video.info) as writer,
    ):
        writer.write(torch.zeros(1, 3, 10, 10), 0, 1)
    assert names_in(tmp_path) == ["a.mp4"]


def test_sound_that_the_container_cannot_hold_is_told(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", Clip(audio_codec="pcm_s16le"))
    with pytest.raises(MediaError, match=r"into a \.mp4 file; write a \.mov or \.mkv file with -o"):
        _copy(tmp_path / "a.mkv", tmp_path / "b.mp4")
    assert names_in(tmp_path) == ["a.mkv"]
    _copy(tmp_path / "a.mkv", tmp_path / "b.mkv")
    assert audio_packets(tmp_path / "b.mkv") == audio_packets(tmp_path / "a.mkv")


def test_sound_that_no_container_can_hold_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "a.mkv", Clip(audio_codec="aac"))

    def refuse(*_: object) -> None:
        raise ValueError("no tag for this codec")

    monkeypatch.setattr(AudioCopy, "copy_some", refuse)
    with pytest.raises(MediaError, match=r"into a \.mkv file; convert the sound first"):
        _copy(tmp_path / "a.mkv", tmp_path / "b.mkv")


def test_sound_of_an_unknown_codec_is_left_out(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", Clip(audio_codec="aac"))
    double_sound(tmp_path / "a.mp4", tmp_path / "b.mp4")
    rename_codec(tmp_path / "b.mp4", b"mp4a")
    info = _copy(tmp_path / "b.mp4", tmp_path / "c.mp4")
    assert (info.audio_streams, info.unknown_audio_streams) == (1, 1)
    assert audio_packets(tmp_path / "c.mp4") == audio_packets(tmp_path / "a.mp4")
    written = _frames(tmp_path / "c.mp4")[0]
    assert (written.audio_streams, written.unknown_audio_streams) == (1, 0)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_is_announced_and_silent_is_left_out(tmp_path: Path, suffix: str) -> None:
    write_broadcast(tmp_path / "a.ts", 1, {"aac": 0, "ac3": None})
    info = _copy(tmp_path / "a.ts", tmp_path / f"b{suffix}")
    assert (info.audio_streams, info.unknown_audio_streams) == (1, 1)
    copied, heard = audio_packets(tmp_path / f"b{suffix}"), audio_packets(tmp_path / "a.ts")
    assert len(copied) == len(heard)


def test_sound_that_begins_late_is_copied(tmp_path: Path) -> None:
    write_broadcast(tmp_path / "a.ts", 9, {"aac": 0, "ac3": 8})
    with av.open(str(tmp_path / "a.ts")) as container:
        assert container.streams.audio[1].sample_rate == 0  # as far as FFmpeg looks on its own
    info = _copy(tmp_path / "a.ts", tmp_path / "b.mp4")
    assert (info.audio_streams, info.unknown_audio_streams) == (2, 0)
    with av.open(str(tmp_path / "b.mp4")) as container:
        late = next(packet for packet in container.demux(audio=1) if packet.dts is not None)
        assert float(late.dts * late.time_base) == pytest.approx(8.0, abs=FRAME_TIME_S)


def test_sound_without_a_packet_that_the_container_cannot_hold_is_told(tmp_path: Path) -> None:
    write_broadcast(tmp_path / "a.ts", 1, {"libopus": None})
    with pytest.raises(MediaError, match=r"into a \.mov file; write a \.mp4 or \.mkv file with -o"):
        _copy(tmp_path / "a.ts", tmp_path / "b.mov")
    _copy(tmp_path / "a.ts", tmp_path / "b.mp4")


class _Unreadable:
    """An open source whose sound cannot be read."""

    def __init__(self, source: Any) -> None:
        self.close = source.close

    def demux(self, *_: object) -> Iterator[Any]:
        raise av.InvalidDataError(1094995529, "Invalid data found when processing input")


def test_sound_that_cannot_be_read_is_told_of_the_source(tmp_path: Path) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    write_clip(source, Clip(audio_codec="aac"))
    with (
        open_video(source) as video,
        pytest.raises(MediaError, match=rf"^{source} cannot be read .*: Invalid data found"),
        open_video_writer(target, video.info) as writer,
    ):
        writer._audio._input = _Unreadable(writer._audio._input)  # type: ignore[assignment]
    assert names_in(tmp_path) == ["a.mp4"]


def test_sound_whose_times_do_not_rise_is_told_of_the_source(tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    write_clip(source, Clip(frames=20, audio_codec="aac"))
    _, packet = audio_packets(source)[20]  # far behind those that are tried before any work
    content = bytearray(source.read_bytes())
    # A packet's time within its cluster, then flags come before it (RFC 9559, section 10.2).
    place = content.index(packet)
    content[place - 3 : place - 1] = b"\0\0"
    source.write_bytes(content)
    with (
        open_video(source) as video,
        pytest.raises(MediaError, match=rf"^{source} has sound at -?\d+ ticks after sound at \d+"),
        open_video_writer(tmp_path / "b.mkv", video.info),
    ):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == ["a.mkv"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sounds_at_one_time_are_copied(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / "a.mkv", tmp_path / f"b{suffix}"
    write_clip(source, Clip(frames=20, audio_codec="aac"))
    written = audio_packets(source)
    content = bytearray(source.read_bytes())
    # A packet's time within its cluster, then flags come before it (RFC 9559, section 10.2).
    places = [content.index(packet) for _, packet in written[9:12]]
    for place in places[1:]:
        content[place - 3 : place - 1] = content[places[0] - 3 : places[0] - 1]
    source.write_bytes(content)
    _copy(source, target)
    copied, heard = audio_packets(target), audio_packets(source)
    assert heard[9][0] == heard[10][0] == heard[11][0]
    assert [packet for _, packet in copied] == [packet for _, packet in heard]
    moved_s = [float(now - then) for (now, _), (then, _) in zip(copied, heard, strict=True)]
    assert np.ptp(moved_s) < ONE_TIME_S


def test_frames_that_matroska_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", Clip(frames=3))
    with open_video(tmp_path / "a.mp4") as video:
        frames, info = list(video.frames), video.info
    fine = dataclasses.replace(info, time_base=Fraction(1, 90_000))
    for suffix in (".mkv", ".mp4"):
        with contextlib.ExitStack() as stack:
            if suffix == ".mkv":
                stack.enter_context(pytest.raises(MediaError, match=r"millisecond .*write a \.mp4"))
            writer = stack.enter_context(open_video_writer(tmp_path / f"b{suffix}", fine))
            for frame, pts in zip(frames, (0, 90, 92), strict=True):
                writer.write(frame.image, pts, 1)
    assert names_in(tmp_path) == ["a.mp4", "b.mp4"]
    assert _frames(tmp_path / "b.mp4")[2] == [pts / 90_000 for pts in (0, 90, 92)]


def test_frames_that_are_too_large_for_the_encoder_are_told_at_once(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", Clip(1, 4, 16_386, codec="ffv1", pixel_format="bgr0"))
    with (
        open_video(tmp_path / "a.mkv") as video,
        pytest.raises(OutputError, match="4x16386 pixels; expected at most 16384 a side"),
        open_video_writer(tmp_path / "b.mp4", video.info),
    ):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == ["a.mkv"]


@pytest.mark.parametrize("name", ["b.avi", "b", "missing/b.mp4", "a.mp4/b.mp4"])
def test_impossible_targets_are_told_before_any_frame(tmp_path: Path, name: str) -> None:
    write_clip(tmp_path / "a.mp4")
    with (
        open_video(tmp_path / "a.mp4") as video,
        pytest.raises(OutputError),
        open_video_writer(tmp_path / name, video.info),
    ):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == ["a.mp4"]


def test_pixels_are_written_square(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", Clip(sample_aspect_ratio=Fraction(4, 3)))
    _copy(tmp_path / "a.mp4", tmp_path / "b.mkv")
    with av.open(str(tmp_path / "b.mkv")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (86, 48)
        assert stream.sample_aspect_ratio == 1
