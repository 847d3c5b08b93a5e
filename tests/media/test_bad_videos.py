from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from bokehflow.errors import MediaError
from bokehflow.media.matroska import first_damage
from tests.media.reading import read_all
from tests.media.samples import Clip, rename_codec, write_clip, write_plain_hdr

CLUSTER = b"\x1f\x43\xb6\x75"


def _cut(suffix: str, share: float) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"a{suffix}"
        codec = {".avi": "mpeg4", ".wmv": "wmv2"}.get(suffix, "libx264")
        options = (("movflags", "faststart"),) if suffix == ".mp4" else ()
        write_clip(path, Clip(frames=12, codec=codec, options=options))
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return make


def _damaged(number: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "a.mp4"
        write_clip(path, Clip(frames=12, height=128, width=128, encoding=(("bf", "0"),)))
        with av.open(str(path)) as container:
            packet = [packet for packet in container.demux(video=0) if packet.size][number]
            start, size = packet.pos, packet.size
        content = bytearray(path.read_bytes())
        content[start + 4 : start + size] = bytes(255 for _ in range(size - 4))
        path.write_bytes(content)
        return path

    return make


def _matroska(kind: bytes, number: int, suffix: str = ".mkv") -> Callable[[Path], Path]:
    """One whose element of that kind and number, counted from the end, is none any more."""

    def make(folder: Path) -> Path:
        path = folder / f"a{suffix}"
        write_clip(path, Clip(frames=40, options=(("cluster_time_limit", "300"),)))
        assert first_damage(path) is None
        content = bytearray(path.read_bytes())
        for _ in range(number):
            place = content.rindex(kind)
            content[place : place + 1] = b"\x7f"
        path.write_bytes(content)
        assert first_damage(path) == place
        return path

    return make


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


def _hdr(transfer: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_plain_hdr(folder / "a.mkv", (0.58, 0.58, 0.58), transfer)
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


def _broadcast_wmv(folder: Path) -> Path:
    write_clip(folder / "a.wmv", Clip(codec="wmv2"))
    content = bytearray((folder / "a.wmv").read_bytes())
    place = content.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    # The length of the file, which is no more known then, and the flag of a broadcast.
    content[place + 40 : place + 48] = b"\xff" * 8
    content[place + 88] |= 1
    (folder / "a.wmv").write_bytes(content)
    return folder / "a.wmv"


def _mxf_without_footer(folder: Path) -> Path:
    write_clip(folder / "a.mxf", Clip(encoding=(("bf", "0"),)))
    content = bytearray((folder / "a.mxf").read_bytes())
    content[20 + 24 : 20 + 32] = bytes(8)
    (folder / "a.mxf").write_bytes(content)
    return folder / "a.mxf"


ODD_ENDS = {
    "a recording in wmv": _broadcast_wmv,
    "a recording in mxf": _mxf_without_footer,
    "zeros": _with_trailer(bytes(4)),
    "a line": _with_trailer(b"\r\n\0"),
    "text": _with_trailer(b"a recorder's own remarks"),
    "an avi that counts its header": _avi_that_counts_its_header,
}


@pytest.mark.parametrize("kind", ODD_ENDS)
def test_whole_films_with_odd_ends_are_read(tmp_path: Path, kind: str) -> None:
    assert len(read_all(ODD_ENDS[kind](tmp_path))[1]) == 5


BAD_VIDEOS = {
    "mp4 cut at half": (_cut(".mp4", 0.5), "cut short"),
    "mp4 cut at the end": (_cut(".mp4", 0.99), "cut short"),
    "mkv cut at half": (_cut(".mkv", 0.5), "cut short"),
    "mkv cut at the end": (_cut(".mkv", 0.99), "cut short"),
    "avi cut at half": (_cut(".avi", 0.5), "cut short"),
    "wmv cut at half": (_cut(".wmv", 0.5), "cut short"),
    "wmv cut at the end": (_cut(".wmv", 0.99), "cut short"),
    "wmv cut in its header": (_cut(".wmv", 0.005), "cut short|cannot be read"),
    "mxf cut at half": (_cut(".mxf", 0.5), "cut short"),
    "mxf cut at the end": (_cut(".mxf", 0.8), "cut short"),
    "mxf cut in its header": (_cut(".mxf", 0.002), "cannot be read"),
    "a few bytes": (_cut(".mp4", 0.001), "cut short|cannot be read"),
    "damaged inside": (_damaged(6), "damaged|cannot be read"),
    "damaged in the last frame": (_damaged(-1), "damaged|cannot be read"),
    "mkv without the head of a cluster": (_matroska(CLUSTER, 2), "damaged at byte"),
    "mkv without the head of the last cluster": (_matroska(CLUSTER, 1), "damaged at byte"),
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


@pytest.mark.parametrize("kind", BAD_VIDEOS)
def test_bad_videos_are_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    make, reason = BAD_VIDEOS[kind]
    path = make(tmp_path)
    with pytest.raises(MediaError, match=reason):
        read_all(path)


def test_a_block_that_passes_its_cluster_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write_clip(path, Clip(frames=3, codec="ffv1", pixel_format="bgr0"))
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        last = [bytes(packet) for packet in container.demux(video=0) if packet.size][-1]
    # Its length lies before the track, the time and the flags of the block, in two bytes.
    place = content.index(last) - 6
    assert content[place - 1] == 0xA3
    content[place] |= 0x3F
    path.write_bytes(content)
    assert first_damage(path) == place - 1
    with pytest.raises(MediaError, match="damaged at byte"):
        read_all(path)


def test_a_recording_of_unknown_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    write_clip(path, Clip(options=(("live", "1"),)))
    assert first_damage(path) is None
    assert len(read_all(path)[1]) == 5
