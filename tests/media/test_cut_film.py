from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bokehflow.errors import MediaError
from tests.media.reading import levels_of, read_all
from tests.media.samples import Clip, gradient, write_clip

HEIGHT, WIDTH, FRAMES = 96, 128, 75
OPEN_GOP = (("x264-params", "open-gop=1:keyint=25:bframes=3"),)
"""Pictures before a keyframe are coded after it, and need the ones before."""


@pytest.fixture(params=[1, 5], ids=["slow", "fast"])
def film(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Of the slow one, pictures before a keyframe need others; in the fast one a picture asks to
    forget others."""
    pictures = [gradient(HEIGHT, WIDTH, request.param * index) for index in range(FRAMES)]
    write_clip(tmp_path / "whole.ts", Clip(FRAMES, HEIGHT, WIDTH, encoding=OPEN_GOP), pictures)
    return tmp_path / "whole.ts"


def _packets(film: Path) -> list[av.Packet[av.VideoStream]]:
    with av.open(str(film)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def _keyframe(film: Path, number: int) -> int:
    keys = [index for index, packet in enumerate(_packets(film)) if packet.is_keyframe]
    return keys[number]


def _cut(film: Path, target: Path, first: int, torn: int | None = None) -> None:
    """Copy the packets from number `first` on; torn: the number of one whose end is overwritten."""
    with av.open(str(film)) as source, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        begins = packets[first].dts or 0
        for index, packet in enumerate(packets[first:], first):
            content = bytes(packet)
            if index == torn:
                content = content[:20] + b"\xff" * (len(content) - 20)
            copy = av.Packet(content)
            copy.pts, copy.dts = (packet.pts or 0) - begins, (packet.dts or 0) - begins
            copy.time_base, copy.stream = packet.time_base, stream
            copy.is_keyframe = packet.is_keyframe
            output.mux(copy)


def _require_end_of(film: Path, cut: Path, first: int) -> None:
    """A cut film shows the end of the whole one, from its first keyframe, number `first`, on."""
    shown = sorted(packet.pts or 0 for packet in _packets(film))
    begins = shown.index(_packets(film)[first].pts or 0)
    whole, left = read_all(film)[1], read_all(cut)[1]
    assert left
    for expected, frame in zip(whole[begins:], left, strict=True):
        assert np.array_equal(levels_of(expected), levels_of(frame))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_films_cut_at_a_keyframe_are_read(film: Path, tmp_path: Path, suffix: str) -> None:
    first = _keyframe(film, 1)
    _cut(film, tmp_path / f"a{suffix}", first)
    _require_end_of(film, tmp_path / f"a{suffix}", first)


def test_broadcasts_that_begin_between_keyframes_are_read(film: Path, tmp_path: Path) -> None:
    _cut(film, tmp_path / "a.ts", 5)
    _require_end_of(film, tmp_path / "a.ts", _keyframe(film, 1))


@pytest.mark.parametrize("number", range(0, 10, 2))
def test_damage_that_a_whole_film_is_refused_for_is_not_taken_for_the_cut(
    film: Path, tmp_path: Path, number: int
) -> None:
    first, packets = _keyframe(film, 1), _packets(film)
    needed = [
        index
        for index in range(first, _keyframe(film, 2))
        if (packets[index].pts or 0) >= (packets[first].pts or 0)
    ]
    torn = needed[number % len(needed)]
    _cut(film, tmp_path / "whole.mkv", 0, torn)
    _cut(film, tmp_path / "cut.mkv", first, torn)
    # What the decoder itself does not notice is no matter of the cut.
    assert _is_refused(tmp_path / "cut.mkv") or not _is_refused(tmp_path / "whole.mkv")


def _is_refused(path: Path) -> bool:
    try:
        read_all(path)
    except MediaError:
        return True
    return False
