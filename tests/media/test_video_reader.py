from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bokehflow.errors import MediaError
from bokehflow.media.video_reader import open_video
from bokehflow.media.video_writer import open_video_writer
from tests.media.reading import levels_of, read_all
from tests.media.samples import (
    FRAME_RATE,
    Clip,
    forget_rate,
    write_clip,
    write_jpeg_clip,
)
from tests.tolerances import (
    VIDEO_MEAN_LEVELS,
)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_times_are_kept(tmp_path: Path, suffix: str) -> None:
    ticks = (0, 33, 90, 91, 250)
    write_clip(tmp_path / f"a{suffix}", Clip(ticks=ticks))
    info, frames = read_all(tmp_path / f"a{suffix}")
    assert [frame.pts * info.time_base * 1000 for frame in frames] == list(ticks)


def test_the_frame_count_is_known_for_a_progress_bar(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        write_clip(tmp_path / f"a{suffix}", Clip(frames=7))
        assert read_all(tmp_path / f"a{suffix}")[0].frame_count == 7


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_rate_is_known_though_frames_do_not_tell_how_long_they_are(
    tmp_path: Path, frames: int
) -> None:
    write_clip(tmp_path / "a.webm", Clip(frames=frames, codec="libvpx-vp9"))
    forget_rate(tmp_path / "a.webm")
    info = read_all(tmp_path / "a.webm")[0]
    assert (info.average_rate, info.frame_count) == (FRAME_RATE, frames)


def test_jpeg_frames_with_an_exif_block_are_read(tmp_path: Path) -> None:
    write_jpeg_clip(tmp_path / "a.avi", 3)
    info, frames = read_all(tmp_path / "a.avi")
    assert (info.height, info.width, len(frames)) == (48, 64, 3)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_an_avi_that_was_written_into_a_pipe_is_read(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.avi"
    write_clip(path, Clip(codec="mpeg4"))
    content = bytearray(path.read_bytes())
    content[4:8] = length.to_bytes(4, "little")
    path.write_bytes(content)
    assert len(read_all(path)[1]) == 5


def test_frames_of_an_avi_come_in_their_order_with_rising_times(tmp_path: Path) -> None:
    written = write_clip(tmp_path / "a.avi", Clip(frames=10))
    with av.open(str(tmp_path / "a.avi")) as container:
        told = [frame.pts for frame in container.decode(video=0)]
    assert told != sorted(told)  # frames are coded ahead of others
    _, frames = read_all(tmp_path / "a.avi")
    assert [frame.pts for frame in frames] == list(range(10))
    for frame, pixels in zip(frames, written, strict=True):
        assert np.abs(levels_of(frame).astype(float) - pixels).mean() < VIDEO_MEAN_LEVELS


def test_frames_of_an_avi_that_never_looks_ahead_are_not_late(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.avi", Clip(frames=6, encoding=(("bf", "0"),)))
    assert [frame.pts for frame in read_all(tmp_path / "a.avi")[1]] == list(range(6))


def test_frames_of_mpeg_4_in_an_avi_come_in_their_order(tmp_path: Path) -> None:
    ahead = Clip(frames=10, codec="mpeg4", encoding=(("bf", "2"),))
    written = write_clip(tmp_path / "a.avi", ahead)
    _, frames = read_all(tmp_path / "a.avi")
    assert [frame.pts for frame in frames] == list(range(10))
    for frame, pixels in zip(frames, written, strict=True):
        assert np.abs(levels_of(frame).astype(float) - pixels).mean() < VIDEO_MEAN_LEVELS


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
        read_all(tmp_path / "a.mkv")


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
