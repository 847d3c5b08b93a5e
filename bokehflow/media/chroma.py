"""Where the colour samples of films lie that have fewer of them than pixels.

A sample stands for two columns, and in 4:2:0 for two rows. Where a film says nothing else it lies
on the left of the two columns and between the two rows (ITU-T H.264, annex E,
chroma_sample_loc_type 0). FFmpeg's plain conversions put it between the columns too: colours that
are read so come back half a pixel to the right of the outlines they belong to, and colours that are
written so half a pixel to the left, as far again with every further generation.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

_PLACE = "left"
"""FFmpeg's name of it."""
_TELLING = (
    "h264", "hevc", "mpeg2video", "mpeg4", "dvvideo",
    "mjpeg", "mpeg1video", "h263", "flv", "theora", "vp3",
)  # fmt: skip
"""Decoders that tell where the samples of each frame lie, and those of codecs that have them
between the columns by definition, as FFmpeg has where it is told nothing."""
_SCALING = f"in_range=full:out_range=limited:out_chroma_loc={_PLACE}:flags=accurate_rnd+bilinear"
_ANY_TIME_BASE = Fraction(1)


class ToldPlace:
    """Tells of decoded frames where their colour samples lie, where their decoder does not.

    codec: the decoder's name. The frames are of one size.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._graphs: dict[str, Graph] = {}

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame, its pixels where they are. Raises what PyAV raises."""
        pixels = frame.format
        if pixels.chroma_width(2) == 2 or self._is_told(pixels):
            return frame
        if pixels.name not in self._graphs:
            self._graphs[pixels.name] = _linked(pixels, ("setparams", f"chroma_location={_PLACE}"))
        return _through(self._graphs[pixels.name], frame)

    def _is_told(self, pixels: av.VideoFormat) -> bool:
        # H.265's decoder tells it of 4:2:0 alone.
        is_untold = self._codec == "hevc" and pixels.chroma_height(2) == 2
        return self._codec in _TELLING and not is_untold


class ChromaSubsampling:
    """Converts frames of one size, height x width pixels, both even.

    matrix: FFmpeg's name of the one that makes luma and chroma, such as bt709.
    """

    def __init__(self, height: int, width: int, matrix: str) -> None:
        self._graph = _linked(
            av.VideoFormat("rgb24", width, height),
            ("scale", f"out_color_matrix={matrix}:{_SCALING}"),
            ("format", "pix_fmts=yuv420p"),
        )

    def __call__(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> av.VideoFrame:
        """A frame without a time, of uint8 [H, W, 3], in the levels 16 to 235 and 240."""
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = 0, _ANY_TIME_BASE
        return _through(self._graph, frame)


def _linked(given: av.VideoFormat, *filters: tuple[str, str]) -> Graph:
    """FFmpeg's filters one after another, by name and arguments, for frames of one format."""
    graph = Graph()
    begin = graph.add_buffer(
        width=given.width, height=given.height, format=given, time_base=_ANY_TIME_BASE
    )
    chain = (begin, *(graph.add(*each) for each in filters), graph.add("buffersink"))
    graph.link_nodes(*chain).configure()
    return graph


def _through(graph: Graph, frame: av.VideoFrame) -> av.VideoFrame:
    graph.push(frame)
    passed = graph.pull()
    assert isinstance(passed, av.VideoFrame)  # one of a film, not of sound
    return passed
