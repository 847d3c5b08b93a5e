"""Depth maps in and out: `.npy` with float32 metres, or 16-bit grey PNG with millimetres.

In `.npy`, positive infinity means "infinitely far" (sky) and is allowed. A PNG has no infinity:
its farthest value is 65.535 m, and what lies beyond is written as that. Zero, negative values and
NaN are refused in both: a pixel without a measurement must be filled by whoever measured.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bokehflow.atomic import atomic_file
from bokehflow.damage import ARRAY_DAMAGE
from bokehflow.errors import MediaError, NumericalError, OutputError
from bokehflow.media.pictures import opened_picture
from bokehflow.optics import MM_PER_M, SMALLEST
from bokehflow.regular import require_regular

DEPTH_SUFFIXES = (".npy", ".png")
PNG_MAX_M = 65.535
_PNG_MIN_MM, _PNG_MAX_MM = 1.0, 65535.0

_FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def require_depth_suffix(path: Path) -> None:
    """Raise OutputError unless `path` ends in `.npy` or `.png`."""
    if path.suffix.lower() not in DEPTH_SUFFIXES:
        raise OutputError(
            f"{path} has the suffix {path.suffix!r}", "one of " + ", ".join(DEPTH_SUFFIXES)
        )


def read_depth(path: Path, height: int, width: int) -> Tensor:
    """Read a depth map for a frame of `height` x `width` pixels, as the frame is displayed.

    Returns float32 [1, 1, height, width] in metres, above 0, infinity allowed. Raises MediaError
    for another suffix, type or size, and for NaN, zero, negative values and those nearer than any
    lens is focused.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        depth = _read_npy(path)
    elif suffix == ".png":
        depth = _read_png(path)
    else:
        raise MediaError(
            f"the depth map {path} has the suffix {path.suffix!r}",
            "float32 metres in .npy or millimetres in a 16-bit .png",
        )
    if depth.shape != (height, width):
        raise MediaError(
            f"the depth map {path} has {_size(depth.shape)} pixels",
            f"{height}x{width} (height x width), the size of the frame as it is displayed",
            "make the depth map for this very frame",
        )
    _require_valid(depth, path)
    return torch.from_numpy(depth)[None, None]


def write_depth(path: Path, depth_m: Tensor) -> int:
    """Write a depth map by the suffix of `path`, whole or not at all.

    depth_m: [1, 1, H, W] metres, above 0. Returns how many pixels lie beyond what a PNG can hold
    and were written as 65.535 m (0 for .npy). Raises OutputError for another suffix or a place that
    cannot be written, NumericalError for NaN or values not above 0.
    """
    require_depth_suffix(path)
    with atomic_file(path) as hidden:
        return encode_depth(hidden, depth_m)


def encode_depth(hidden: Path, depth_m: Tensor) -> int:
    """What `write_depth` writes, into a file that the caller makes appear. See `atomic_file`."""
    depth = depth_m[0, 0].detach().float().cpu().numpy()
    if not bool((depth > 0).all()):
        raise NumericalError("the depth map holds NaN or values not above 0", "metres above 0")
    if hidden.suffix.lower() == ".npy":
        # NumPy does not notice when a small array no longer fits on the disk; Python does.
        content = io.BytesIO()
        np.save(content, depth)
        hidden.write_bytes(content.getbuffer())
        return 0
    millimetres = np.clip(np.round(depth * MM_PER_M), _PNG_MIN_MM, _PNG_MAX_MM).astype(np.uint16)
    Image.fromarray(millimetres).save(hidden, format="PNG")
    return int((depth > PNG_MAX_M).sum())


def _read_npy(path: Path) -> _FloatArray:
    require_regular(path, "a depth map in a .npy file", MediaError)
    try:
        # NumPy leaves half an archive open.
        if _begins_as_archive(path):
            raise MediaError(f"the depth map {path} is an archive of arrays", "one array")
        stored = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise MediaError(f"the depth map {path} does not exist") from None
    except ARRAY_DAMAGE as error:
        raise MediaError(
            f"the depth map {path} cannot be read: {error}", "a whole .npy file of float32 metres"
        ) from error
    if stored.dtype.kind != "f" or stored.dtype.itemsize != 4:
        raise MediaError(
            f"the depth map {path} holds {stored.dtype}",
            "float32 metres",
            "save it with array.astype('float32')",
        )
    return np.array(stored, dtype=np.float32)


def _begins_as_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _read_png(path: Path) -> _FloatArray:
    with opened_picture(path, "a depth map in a 16-bit .png") as picture:
        mode, levels = picture.mode, np.asarray(picture)
    if not mode.startswith("I;16"):
        raise MediaError(
            f"the depth map {path} is a {mode} picture", "16-bit grey with millimetres"
        )
    return levels.astype(np.float32) / np.float32(MM_PER_M)


def _require_valid(depth: _FloatArray, path: Path) -> None:
    for what, bad in (
        ("NaN", np.isnan(depth)),
        ("zero or negative", depth <= 0),
        (f"under {SMALLEST:g} m", depth < SMALLEST),
    ):
        count = int(bad.sum())
        if count:
            raise MediaError(
                f"the depth map {path} is {what} at {count} of {depth.size} pixels",
                "a distance above 0 at every pixel",
                "fill the pixels that were not measured",
            )


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(length) for length in shape) or "no rows or columns of"
