"""Pictures and videos made on the spot, small and with content that can be recognised again."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import ExifTags, Image

AUDIO_RATE = 48000
FRAME_RATE = 25

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def names_in(folder: Path) -> list[str]:
    """The names of everything in a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


def quadrants(height: int, width: int) -> Pixels:
    """Four plain colours, one a quadrant: red, green / blue, white. uint8 [H, W, 3]."""
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left] = (200, 30, 30)
    pixels[:top, left:] = (30, 200, 30)
    pixels[top:, :left] = (30, 30, 200)
    pixels[top:, left:] = (220, 220, 220)
    return pixels


def gradient(height: int, width: int, shift: int = 0) -> Pixels:
    """A smooth picture without two equal rows or columns; `shift` moves it. uint8 [H, W, 3]."""
    y, x = np.mgrid[:height, :width]
    channels = (20 + 180 * x / width, 20 + 180 * y / height, 40 + (x + y + 3 * shift) % 150)
    return np.stack(channels, axis=-1).astype(np.uint8)


@dataclass(frozen=True)
class Clip:
    """How to make a video.

    ticks: each frame's time in milliseconds, None for a steady rate. colour_matrix: its number in
    ITU-T H.273. options: the container's; encoding: the encoder's; tags: of the video stream.
    """

    frames: int = 5
    height: int = 48
    width: int = 64
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    audio_codec: str | None = None
    ticks: Sequence[int] | None = None
    colour_matrix: int | None = None
    color_transfer: int | None = None
    color_primaries: int | None = None
    sample_aspect_ratio: Fraction | None = None
    options: tuple[tuple[str, str], ...] = ()
    encoding: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ColourWave:
    """How to make a film whose colours rise and fall from column to column.

    place_px: how far a colour sample lies to the right of the left one of its two columns.
    """

    codec: str
    pixel_format: str = "yuv420p"
    place_px: float = 0.0
    encoding: tuple[tuple[str, str], ...] = ()
    height: int = 128
    width: int = 256
    period_px: int = 32


def two_shots(height: int, width: int, cut: int, frames: int) -> list[Pixels]:
    """Moving gradients, from frame `cut` on upside down and mirrored."""
    moving = [gradient(height, width, index) for index in range(frames)]
    return [*moving[:cut], *(np.flip(pixels, (0, 1)) for pixels in moving[cut:])]


def write_clip(
    path: Path, clip: Clip | None = None, frames: Sequence[Pixels] = ()
) -> Sequence[Pixels]:
    """Write a video of these frames, or of moving gradients; returns the frames that went in."""
    clip = clip or Clip()
    frames = frames or [gradient(clip.height, clip.width, index) for index in range(clip.frames)]
    with av.open(str(path), "w", options=dict(clip.options)) as output:
        video = output.add_stream(clip.codec, rate=FRAME_RATE, options=dict(clip.encoding))
        video.width, video.height, video.pix_fmt = clip.width, clip.height, clip.pixel_format
        video.metadata.update(clip.tags)
        if clip.color_transfer is not None:
            video.codec_context.color_trc = clip.color_transfer
        if clip.sample_aspect_ratio is not None:
            video.codec_context.sample_aspect_ratio = clip.sample_aspect_ratio
        if clip.color_primaries is not None:
            video.codec_context.color_primaries = clip.color_primaries
        time_base = Fraction(1, FRAME_RATE) if clip.ticks is None else Fraction(1, 1000)
        video.codec_context.time_base = time_base
        audio = None
        if clip.audio_codec is not None:
            audio = output.add_stream(clip.audio_codec, rate=AUDIO_RATE)
        if clip.colour_matrix is not None:
            video.codec_context.colorspace = clip.colour_matrix
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts = index if clip.ticks is None else clip.ticks[index]
            frame.time_base = time_base
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            _write_tone(output, audio, clip.frames / FRAME_RATE)
    return frames


def write_colour_wave(path: Path, wave: ColourWave) -> np.ndarray:
    """Write a film of one frame with a wave of colour along its rows and none of light; returns the
    wave, one number a column, float in -1..1."""
    columns = np.arange(wave.width)
    with av.open(str(path), "w") as output:
        video = output.add_stream(wave.codec, rate=FRAME_RATE, options=dict(wave.encoding))
        video.width, video.height, video.pix_fmt = wave.width, wave.height, wave.pixel_format
        frame = av.VideoFrame(wave.width, wave.height, wave.pixel_format)
        bits = frame.format.components[0].bits
        for index, plane in enumerate(frame.planes):
            levels = np.full(plane.line_size // (1 if bits == 8 else 2), 128.0)
            if index == 2:
                places = 2 * np.arange(plane.width) + wave.place_px
                levels[: plane.width] += 40 * np.sin(2 * np.pi * places / wave.period_px)
            rows = np.tile(levels * 2 ** (bits - 8), (plane.height, 1)).round()
            plane.update(rows.astype("u1" if bits == 8 else "<u2").tobytes())
        frame.pts, frame.time_base = 0, Fraction(1, FRAME_RATE)
        output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return np.sin(2 * np.pi * columns / wave.period_px)


def write_palette_clip(path: Path, alpha: Sequence[int]) -> None:
    """Write a film of one frame with a column for each of these alphas, of 255: greys from black to
    white out of a palette, whose other colours are transparent."""
    palette = np.zeros((256, 4), np.uint8)
    palette[: len(alpha), 0] = alpha
    palette[: len(alpha), 1:] = np.linspace(0, 255, len(alpha))[:, None]
    indices = np.tile(np.repeat(np.arange(len(alpha), dtype=np.uint8), 16), (48, 1))
    with av.open(str(path), "w") as output:
        video = output.add_stream("png", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = indices.shape[1], indices.shape[0], "pal8"
        frame = av.VideoFrame.from_ndarray((indices, palette), format="pal8")
        frame.pts = 0
        output.mux(video.encode(frame))
        output.mux(video.encode(None))


def write_jpeg_clip(path: Path, frames: int) -> None:
    """Write a video of JPEG pictures as cameras write it, each with an EXIF block."""
    height, width = 48, 64
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "camera"
    with av.open(str(path), "w") as output:
        video = output.add_stream("mjpeg", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = width, height, "yuvj420p"
        for index in range(frames):
            coded = io.BytesIO()
            Image.fromarray(gradient(height, width, index)).save(coded, "JPEG", exif=exif)
            packet = av.Packet(coded.getvalue())
            packet.pts = packet.dts = index
            packet.time_base, packet.stream = Fraction(1, FRAME_RATE), video
            packet.is_keyframe = True
            output.mux(packet)


def write_plain_hdr(
    path: Path,
    signal: tuple[float, float, float],
    transfer: int,
    frames: int = 2,
    primaries: int = 9,
) -> None:
    """Write a video of one colour, 10 bits in BT.2020, without loss; signal: red, green, blue in
    0..1; transfer, primaries: numbers of ITU-T H.273."""
    height, width = 32, 48
    red, green, blue = signal
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    chroma = (blue - luma) / 1.8814, (red - luma) / 1.4746
    planes = [np.full(height * width, round(64 + 876 * luma), np.uint16)]
    planes += [np.full(height * width // 4, round(512 + 896 * x), np.uint16) for x in chroma]
    pixels = np.concatenate(planes).reshape(-1, width)
    with av.open(str(path), "w") as output:
        video = output.add_stream("ffv1", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p10le"
        context = video.codec_context
        context.colorspace, context.color_primaries = 9, primaries
        context.color_trc = transfer
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p10le")
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))


def write_broadcast(path: Path, seconds: int, sounds: dict[str, int | None]) -> None:
    """Write an MPEG-TS film that announces sounds of these codecs, each from which second on; None
    for one that never begins."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        streams = [output.add_stream(codec, rate=AUDIO_RATE) for codec in sounds]
        for index in range(seconds * FRAME_RATE):
            frame = av.VideoFrame.from_ndarray(gradient(48, 64, index), format="rgb24")
            frame.pts = index
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        for stream, begins_s in zip(streams, sounds.values(), strict=True):
            if begins_s is not None:
                _write_tone(output, stream, seconds, begins_s)


def _write_tone(
    output: av.container.OutputContainer, audio: av.AudioStream, seconds: float, begins_s: int = 0
) -> None:
    size = audio.codec_context.frame_size or 1024
    time_s = np.arange(int(AUDIO_RATE * seconds)) / AUDIO_RATE
    tone = (9000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
    resampler = av.AudioResampler(audio.codec_context.format, "mono", AUDIO_RATE)
    for start in range(AUDIO_RATE * begins_s, len(tone) - size + 1, size):
        block = av.AudioFrame.from_ndarray(
            tone[None, start : start + size], format="s16", layout="mono"
        )
        block.sample_rate, block.pts, block.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        for frame in resampler.resample(block):
            output.mux(audio.encode(frame))
    output.mux(audio.encode(None))


def audio_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Time in seconds and bytes of every audio packet."""
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in container.demux(audio=0)
            if packet.size
        ]


def forget_rate(path: Path) -> None:
    """Have a Matroska or WebM file no longer tell how long a frame of it is, as browsers write it:
    Void takes the place of DefaultDuration (RFC 9559, section 5.1.4.1.13)."""
    content = bytearray(path.read_bytes())
    place = content.index(b"\x23\xe3\x83")
    length = 4 + (content[place + 3] & 0x7F)
    content[place : place + length] = bytes([0xEC, 0x80 | (length - 2)]) + bytes(length - 2)
    path.write_bytes(content)


def rename_codec(path: Path, codec: bytes) -> None:
    """Give the last track of that codec, by its four letters, in an MP4 file one nobody knows."""
    content = bytearray(path.read_bytes())
    start = content.rindex(codec)
    content[start : start + 4] = b"zzzz"
    details = content.find(b"esds", start)  # they name the codec once more
    if details >= 0:
        content[details : details + 4] = b"zzzz"
    path.write_bytes(content)


def double_sound(source: Path, target: Path, languages: tuple[str, str] = ("und", "und")) -> None:
    """Copy a video with its sound twice, each in a language."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as output:
        inputs = (clip.streams.video[0], clip.streams.audio[0])
        video, *sounds = (output.add_stream_from_template(inputs[i]) for i in (0, 1, 1))
        for sound, language in zip(sounds, languages, strict=True):
            sound.metadata["language"] = language
        for packet in clip.demux(inputs):
            if packet.dts is None:
                continue
            content = bytes(packet)
            for stream in [video] if packet.stream.type == "video" else sounds:
                copy = av.Packet(content)
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                output.mux(copy)


def trim(path: Path, seconds: int) -> None:
    """Have every track of an MP4 file shown from so many seconds on, as phones trim films: by its
    edit list (ISO/IEC 14496-12, section 8.6.6), with all pictures and sounds still in the file."""
    content = bytearray(path.read_bytes())
    place, track = content.find(b"elst"), 0
    while place >= 0:
        # Version, flags and count; then duration, time in the track, and rate.
        entry = place + 12
        duration, time = struct.unpack(">Ii", content[entry : entry + 8])
        clock = content.index(b"mdhd", place) + 16
        rate = int.from_bytes(content[clock : clock + 4], "big")
        shown = (duration - 1000 * seconds, time + rate * seconds)
        content[entry : entry + 8] = struct.pack(">Ii", *shown)
        place, track = content.find(b"elst", place + 4), track + 1
    assert track > 0
    path.write_bytes(content)


def set_edits(path: Path, edits: Sequence[tuple[float, float]]) -> None:
    """Have every track of an MP4 file shown in these parts, as editors cut films without encoding
    them anew: how long each is, and where it begins in the track, in seconds."""
    content = bytearray(path.read_bytes())
    place, tracks = content.rfind(b"elst"), 0
    while place >= 0:
        # Version, flags and count; then the one entry, which takes the place of encoders' delay.
        entry = place + 12
        (delay,) = struct.unpack(">i", content[entry + 4 : entry + 8])
        clock = content.index(b"mdhd", place) + 16
        rate = int.from_bytes(content[clock : clock + 4], "big")
        content[place + 8 : entry] = len(edits).to_bytes(4, "big")
        content[entry : entry + 12] = b"".join(
            struct.pack(">IiI", round(1000 * length), delay + round(rate * begins), 0x10000)
            for length, begins in edits
        )
        for box in (b"elst", b"edts", b"trak", b"moov"):
            start = content.rindex(box, 0, place + 4) - 4
            size = int.from_bytes(content[start : start + 4], "big") + 12 * (len(edits) - 1)
            content[start : start + 4] = size.to_bytes(4, "big")
        place, tracks = content.rfind(b"elst", 0, place), tracks + 1
    assert tracks > 0
    path.write_bytes(content)


def set_display_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a, b, c, d of the display matrix into the first track of an MP4 file."""
    a, b, c, d = (value * 0x10000 for value in matrix)
    content = bytearray(path.read_bytes())
    # Version, times, track and layer fields of a version 0 track header (ISO 14496-12, 8.3.2).
    start = content.index(b"tkhd") + 4 + 40
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def write_png(
    path: Path,
    height: int,
    width: int,
    *,
    more: bytes = b"",
    packed: bytes | None = None,
    bits: int = 16,
) -> None:
    """A grey PNG put together by hand, so that anything may be wrong with it.

    more: chunks before the pixels. packed: the pixels as they are stored, None for a whole ramp.
    """
    if packed is None:
        rows = np.arange(height * width, dtype=">u2").reshape(height, width)
        packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    pixels, end = png_chunk(b"IDAT", packed), png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + more + pixels + end)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG with its length and check sum, as the PNG specification has it."""
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def colours_chunk(transfer: int, primaries: int = 9) -> bytes:
    """The chunk that tells primaries, BT.2020's if none are given, and a curve, by their numbers in
    ITU-T H.273."""
    return png_chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


def add_chunk(png: Path, chunk: bytes) -> None:
    """Put a chunk in front of a PNG's pixels."""
    content = png.read_bytes()
    place = content.index(b"IDAT") - 4
    png.write_bytes(content[:place] + chunk + content[place:])


def write_huge_png(path: Path) -> None:
    """A few bytes that say they are 3.6 gigapixels, which Pillow refuses to unpack."""
    write_png(path, 60000, 60000, packed=b"")


def write_torn_png(path: Path, height: int, width: int) -> None:
    """A PNG whose pixels cannot be unpacked."""
    write_png(path, height, width, packed=b"no pixels")


def write_png_with_cut_exif(path: Path, height: int, width: int) -> None:
    """A PNG whose EXIF block ends within its first number."""
    write_png(path, height, width, more=png_chunk(b"eXIf", b"MM\0*\0\0\0"))
