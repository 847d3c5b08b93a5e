"""What the pixels of a decoded frame mean, and the frame in sRGB.

High dynamic range is refused unless it may be tone-mapped: showing it as sRGB takes a tone curve,
and that is for the user to want. So is transparency, which can be flattened in many ways.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from av.video.format import VideoFormat
from av.video.frame import VideoFrame as CodedFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from torch import Tensor

from bokehflow.errors import MediaError
from bokehflow.media.display_p3 import DISPLAY_P3, display_p3_to_srgb
from bokehflow.media.tone_map import HDR_TRANSFERS, Transfer, tone_mapped

HD_LINES = 720
"""From this height on, a video that names no colour matrix is BT.709; below, BT.601."""

# Numbers of ITU-T H.273, which FFmpeg uses for what it reports of a frame.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.SMPTE170M,
    7: Colorspace.SMPTE240M,
}
_BT2020_MATRICES = (9, 10)
_RGB_MATRIX, _UNNAMED_MATRIX = 0, 2
_SHOWN_MATRICES = (_RGB_MATRIX, _UNNAMED_MATRIX, *_MATRICES, *_BT2020_MATRICES)
_UNSPECIFIED, _BT2020, _XYZ, _DCI_P3 = 2, 9, 10, 11
"""Primaries."""
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_BLACK, _WHITE = 16.0 / 255.0, 235.0 / 255.0
"""Of limited range, whatever the depth."""
_OPAQUE = 255
_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""Without the last two, FFmpeg computes with few digits, and pictures get darker."""
_WHITE_8_BIT = 255.0


def high_dynamic_range(stream: VideoStream) -> Transfer | None:
    """The curve of a stream of high dynamic range; None for any other."""
    return HDR_TRANSFERS.get(stream.codec_context.color_trc)


def require_showable(stream: VideoStream, path: Path, tone_map: bool) -> None:
    """Raise MediaError for pixels that are transparent, and for colours that are not shown as sRGB,
    or not without being asked to."""
    if _has_alpha(stream):
        raise _transparent(path)
    transfer = high_dynamic_range(stream)
    if transfer and not tone_map:
        raise MediaError(
            f"{path} is high dynamic range video ({transfer})",
            "standard dynamic range",
            "give bfx render --tone-map, convert it first, or record without HDR",
        )
    matrix, primaries = stream.codec_context.colorspace, stream.codec_context.color_primaries
    if matrix not in _SHOWN_MATRICES:
        raise MediaError(
            f"{path} is video whose colour matrix has the number {int(matrix)} in ITU-T H.273",
            "RGB, BT.709, BT.601, SMPTE 240M or BT.2020",
            "convert it first",
        )
    if transfer and primaries not in (_BT2020, _UNSPECIFIED):
        raise MediaError(
            f"{path} is high dynamic range video of other primaries than BT.2020's",
            "HLG or PQ as ITU-R BT.2100 defines them",
            "convert it first",
        )
    if not transfer and (matrix in _BT2020_MATRICES or primaries in (_BT2020, _XYZ, _DCI_P3)):
        raise MediaError(
            f"{path} is video of standard range with a wide gamut, BT.2020's or DCI's",
            "BT.709, BT.601 or Display P3, or HLG or PQ with --tone-map",
            "convert it first",
        )


def _has_alpha(stream: VideoStream) -> bool:
    """Whether frames have an alpha channel. WebM keeps it apart from the pixels that are decoded,
    and tells of it in `alpha_mode`, by any case."""
    pixels = stream.codec_context.format
    in_pixels = pixels is not None and any(part.is_alpha for part in pixels.components)
    tells = {name.lower(): value for name, value in stream.metadata.items()}
    return in_pixels or tells.get("alpha_mode") == "1"


def require_opaque(frame: CodedFrame, path: Path) -> None:
    """Raise MediaError for a frame with a palette of which it shows a colour that is transparent:
    its format has no part for that."""
    if frame.format.name == "pal8":
        indices, palette = frame.to_ndarray()
        if palette[np.unique(indices), 0].min() < _OPAQUE:
            raise _transparent(path)


def _transparent(path: Path) -> MediaError:
    return MediaError(
        f"{path} is video with transparency",
        "opaque frames",
        "flatten it over a background first",
    )


def frame_to_srgb(frame: CodedFrame, transfer: Transfer | None, width: int) -> Tensor:
    """The decoded picture as float32 sRGB [1, 3, H, W] in 0..1, as it lies in the file, scaled to
    W = `width`.

    8 bits a channel; 16 where `transfer` is to be tone-mapped. Raises what PyAV raises.
    """
    if transfer is None:
        unnamed = Colorspace.ITU709 if frame.height >= HD_LINES else Colorspace.ITU601
        rgb = _rgb(frame, width, "rgb24", _MATRICES.get(frame.colorspace, unnamed))
        return display_p3_to_srgb(rgb) if frame.color_primaries == DISPLAY_P3 else rgb
    signal = _rgb(frame, width, "rgb48le", Colorspace.BT2020)
    return tone_mapped(signal.clamp(max=1.0), transfer)


def _rgb(frame: CodedFrame, width: int, pixel_format: str, matrix: Colorspace) -> Tensor:
    full_range = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    pixels = frame.reformat(
        width=width,
        format=pixel_format,
        src_colorspace=matrix,
        src_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=_SCALING,
    ).to_ndarray()
    white = _WHITE_8_BIT if pixel_format == "rgb24" else _white_16_bit(frame.format, full_range)
    values: Tensor = torch.from_numpy(pixels.astype(np.float32)) / white
    if frame.color_range == _LIMITED_RANGE and frame.format.name.startswith("gray"):
        # FFmpeg takes grey for full range, whatever it says of itself.
        values = ((values - _BLACK) / (_WHITE - _BLACK)).clamp(0.0, 1.0)
    return values.permute(2, 0, 1).unsqueeze(0)


def _white_16_bit(pixels: VideoFormat, full_range: bool) -> float:
    """What FFmpeg makes of white in 16 bits: 256 times what it would be in 8, but of RGB the most
    there is, and of full range the most that it has bits for, moved up."""
    bits = pixels.components[0].bits
    if pixels.is_rgb and bits > 8:
        return 65535.0
    return float(((1 << bits) - 1) << (16 - bits)) if full_range else _WHITE_8_BIT * 256.0
