"""The sound of a video, carried over packet by packet without decoding it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from bokehflow.errors import MediaError
from bokehflow.media.containers import copyable_sound, media_errors, open_film

_TRIAL_PACKETS = 4


class AudioCopy:
    """Copies every audio stream of a source into an output, in the order of time.

    A stream of a codec that FFmpeg does not know, or without any sound to tell its rate, which no
    container can be told of, is left out: `VideoInfo.unknown_audio_streams` counts them. Made
    before the output's header is written; adds the streams itself. Use as a context. Raises
    MediaError, here and while it copies, where the source cannot be read, and what PyAV raises
    where the output cannot be written.
    """

    def __init__(self, source: Path, output: OutputContainer, starts_at_s: Fraction) -> None:
        """starts_at_s: taken off every time, as `VideoInfo` has it."""
        self._output, self._source, self._starts_at_s = output, source, starts_at_s
        self._is_matroska = output.format.name == "matroska"
        self._input = open_film(source)
        streams = copyable_sound(self._input)
        self._copies = {stream.index: _described_copy(stream, output) for stream in streams}
        self._packets = self._timed(self._shown(self._walk(streams)))
        self._waiting: Packet[AudioStream] | None = None
        self._free: dict[int, tuple[int, Fraction]] = {}

    def __enter__(self) -> AudioCopy:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()

    def copy_until(self, time_s: Fraction | None) -> None:
        """Copy every packet that starts at or before `time_s`; None copies all that are left."""
        while (packet := self._waiting or next(self._packets, None)) is not None:
            self._waiting = packet
            if time_s is not None and Fraction(packet.dts or 0) * packet.time_base > time_s:
                return
            self._waiting = None
            self._copy(packet)

    def copy_some(self, packets: int) -> None:
        """Copy the first few packets, whatever their time."""
        for packet in itertools.islice(self._packets, packets):
            self._copy(packet)

    def look_through(self) -> None:
        """Read what is left without copying it: raises what copying it would for the source."""
        for _packet in self._packets:
            pass

    def _walk(self, streams: tuple[AudioStream, ...]) -> Iterator[Packet[AudioStream]]:
        """Every packet that has a time. Raises MediaError for damage."""
        if not streams:
            return
        with media_errors(self._source):
            for packet in self._input.demux(streams):
                if packet.dts is not None:  # an empty packet without time ends each stream
                    yield packet

    def _shown(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """The packets less those that were trimmed away, which only MP4 and MOV can hide, and they
        at the beginning alone: what was cut out of the middle has times of its own.

        The one before the first that is heard stays: a decoder needs it to begin.
        """
        before: dict[int, Packet[AudioStream]] = {}
        heard: set[int] = set()
        for packet in packets:
            index = packet.stream_index
            if not packet.is_discard:
                heard.add(index)
                if index in before:
                    yield before.pop(index)
                yield packet
            elif index not in heard and not self._is_matroska:
                yield packet
            elif index not in heard:
                before[index] = packet

    def _timed(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """The packets in the output's time. Raises MediaError for times that no output takes."""
        last: dict[int, int] = {}
        for packet in packets:
            dts = packet.dts or 0
            before = last.get(packet.stream_index)
            if before is not None and dts < before:
                raise MediaError(
                    f"{self._source} has sound at {dts} ticks after sound at {before}",
                    "times that rise from packet to packet",
                    "remux the video with correct timestamps",
                )
            last[packet.stream_index] = dts
            start = round(self._starts_at_s / packet.time_base)
            packet.dts = dts - start
            if packet.pts is not None:
                packet.pts -= start
            yield packet

    def _copy(self, packet: Packet[AudioStream]) -> None:
        index = packet.stream_index
        packet.stream = self._copies[index]
        self._give_time_of_its_own(packet, index)
        self._output.mux(packet)  # turns its times into those of the output
        self._free[index] = (packet.dts or 0) + 1, packet.time_base

    def _give_time_of_its_own(self, packet: Packet[AudioStream], index: int) -> None:
        """Move a packet behind the one before where both would be at one tick of the output: short
        ones are from containers that count milliseconds, and only Matroska takes them."""
        if self._is_matroska or index not in self._free:
            return
        ticks, tick_s = self._free[index]
        if (packet.dts or 0) * packet.time_base < ticks * tick_s:
            packet.duration = round((packet.duration or 0) * packet.time_base / tick_s)
            packet.pts, packet.dts, packet.time_base = ticks, ticks, tick_s


def _described_copy(stream: AudioStream, output: OutputContainer) -> AudioStream:
    """A stream of the same codec, language and title."""
    copy = output.add_stream_from_template(stream)
    copy.metadata.update(stream.metadata)
    copy.disposition = stream.disposition
    return copy


def require_copyable_audio(source: Path, suffix: str, formats: Mapping[str, str]) -> None:
    """Raise MediaError where a file of this suffix cannot hold the source's sound as it is, or that
    cannot be read to its end.

    formats: of the containers that could be written, FFmpeg's names by suffix.
    """
    with open_film(source) as container:
        codecs = [stream.codec_context.name for stream in copyable_sound(container)]
    if not codecs or _is_copyable(source, formats[suffix]):
        return
    others = [other for other, name in formats.items() if _is_copyable(source, name)]
    raise MediaError(
        f"the sound of {source} ({', '.join(codecs)}) cannot be copied into a {suffix} file",
        remedy=f"write a {' or '.join(others)} file with -o"
        if others
        else "convert the sound first, to AAC for one",
    )


def _is_copyable(source: Path, container_format: str) -> bool:
    """Whether the first packets can be put into a small file in memory, and that be finished: some
    containers only complain then, which would be after all the work. Raises MediaError where the
    rest cannot be read."""
    try:
        with (
            av.open(io.BytesIO(), "w", format=container_format) as trial,
            AudioCopy(source, trial, Fraction(0)) as copy,
        ):
            trial.start_encoding()
            copy.copy_some(_TRIAL_PACKETS)
            copy.look_through()
    except (av.FFmpegError, ValueError):
        return False
    return True
