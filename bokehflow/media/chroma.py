"""From red, green and blue to 4:2:0, each colour sample where players look for it.

A sample stands for two columns and two rows. Where a film says nothing else it lies on the left of
the two columns and between the two rows (ITU-T H.264, annex E, chroma_sample_loc_type 0). FFmpeg's
plain conversion puts it between the columns too, so that colours come back half a pixel to the left
of the outlines they belong to, and as far again with every further generation.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph

_SCALING = "in_range=full:out_range=limited:out_chroma_loc=left:flags=accurate_rnd+bilinear"
_ANY_TIME_BASE = Fraction(1)


class ChromaSubsampling:
    """Converts frames of one size, height x width pixels, both even.

    matrix: FFmpeg's name of the one that makes luma and chroma, such as bt709.
    """

    def __init__(self, height: int, width: int, matrix: str) -> None:
        self._graph = Graph()
        given = av.VideoFormat("rgb24", width, height)
        chain = (
            self._graph.add_buffer(
                width=width, height=height, format=given, time_base=_ANY_TIME_BASE
            ),
            self._graph.add("scale", f"out_color_matrix={matrix}:{_SCALING}"),
            self._graph.add("format", "pix_fmts=yuv420p"),
            self._graph.add("buffersink"),
        )
        self._graph.link_nodes(*chain).configure()

    def __call__(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> av.VideoFrame:
        """A frame without a time, of uint8 [H, W, 3], in the levels 16 to 235 and 240."""
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = 0, _ANY_TIME_BASE
        self._graph.push(frame)
        converted = self._graph.pull()
        assert isinstance(converted, av.VideoFrame)  # one of a film, not of sound
        return converted
