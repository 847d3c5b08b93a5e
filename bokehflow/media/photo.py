"""Photos in and out: any still picture Pillow reads, as an upright sRGB tensor.

8-bit pictures keep their values; 16-bit grey keeps 16 bits; 16-bit colour is read in 8 bits, which
is what Pillow gives. An embedded colour profile of an 8-bit picture is converted to sRGB, and so is
Display P3 that is told without one; 16-bit grey is taken for sRGB. Transparency, CMYK, high dynamic
range and animations are refused, because every way to flatten them would be a guess.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from bokehflow.atomic import atomic_file
from bokehflow.errors import MediaError, OutputError
from bokehflow.media.display_p3 import DISPLAY_P3, display_p3_to_srgb
from bokehflow.media.levels import from_uint8, to_uint8
from bokehflow.media.photo_layout import read_as_stored, require_developed
from bokehflow.media.photo_range import UNSPECIFIED, standard_primaries
from bokehflow.media.pictures import opened_picture
from bokehflow.specs import MAX_SIDE_PX

READABLE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".heic", ".heif", ".webp", ".tif", ".tiff", ".bmp",
)  # fmt: skip
"""By which photos are told from other files of a folder. HEIC takes the extra `heic`; photos that
are named one by one are read by what they hold."""
WRITABLE_SUFFIXES = (".jpg", ".jpeg", ".png")
JPEG_QUALITY = 95

_EIGHT_BIT_MODES = ("1", "L", "P", "RGB", "LA", "PA", "RGBA", "La", "RGBa")
_SIXTEEN_BIT_MODES = ("I;16", "I;16B", "I;16L", "I")
_GREY_MODES = ("1", "L", "LA", "La")
_USUAL_PRIMARIES = (1, UNSPECIFIED, 5, 6, 7)
"""BT.709's, and those of BT.601, which are taken for them as in videos."""
_MAX_UINT16 = 65535.0
_SAMPLES = np.stack(np.meshgrid(*[np.arange(0, 256, 51, dtype=np.uint8)] * 3)).reshape(1, -1)
"""Levels with which a colour profile is tried: 216 colours, or three times as many greys."""
_ROUNDING_LEVELS = 2


def read_photo(path: Path) -> Tensor:
    """Read one photo, turned upright as its EXIF orientation says.

    Returns float32 [1, 3, H, W], sRGB in 0..1; grey becomes three equal channels. Raises MediaError
    for what is not a picture, is damaged or cut short, has transparent pixels, is CMYK, PQ or HLG,
    or moves.
    """
    picture, primaries = decode_still(path)
    if picture.mode in _SIXTEEN_BIT_MODES:
        values = _sixteen_bit_grey(picture, path)
        return torch.from_numpy(values.transpose(2, 0, 1).copy()).unsqueeze(0)
    if picture.mode in _EIGHT_BIT_MODES:
        return _shown_in_srgb(_opaque_srgb(picture, path), picture, primaries, path)
    raise MediaError(
        f"{path} is a {picture.mode} picture",
        "RGB or grey, 8 or 16 bits",
        "convert it to an RGB JPEG or PNG first",
    )


def require_photo_suffix(path: Path) -> None:
    """Raise OutputError unless `path` names a format that `write_photo` writes."""
    if path.suffix.lower() not in WRITABLE_SUFFIXES:
        raise OutputError(
            f"{path} has the suffix {path.suffix!r}", "one of " + ", ".join(WRITABLE_SUFFIXES)
        )


def require_photo_size(path: Path, height: int, width: int) -> None:
    """Raise OutputError where the format that `path` names holds no picture of so many pixels.

    To be called before long work, as `require_photo_suffix`.
    """
    if path.suffix.lower() != ".png" and max(height, width) > MAX_SIDE_PX:
        raise OutputError(
            f"{path} would be of {height}x{width} pixels",
            f"at most {MAX_SIDE_PX} a side, as JPEG has them",
            "write a .png file",
        )


def write_photo(path: Path, image: Tensor) -> None:
    """Write a photo as JPEG (quality 95, full colour resolution) or PNG, whole or not at all.

    image: [1, 3, H, W] sRGB; values outside 0..1 are clipped, then rounded to 8 bits. Raises
    OutputError for another suffix, a size that it does not hold or a place that cannot be written,
    NumericalError for NaN.
    """
    require_photo_suffix(path)
    require_photo_size(path, image.shape[2], image.shape[3])
    with atomic_file(path) as hidden:
        encode_photo(hidden, image)


def encode_photo(hidden: Path, image: Tensor) -> None:
    """What `write_photo` writes, into a file that the caller makes appear. See `atomic_file`."""
    picture = Image.fromarray(to_uint8(image))
    if hidden.suffix.lower() == ".png":
        picture.save(hidden, format="PNG")
    else:
        picture.save(hidden, format="JPEG", quality=JPEG_QUALITY, subsampling=0)


class Still(NamedTuple):
    """An upright picture with its pixels in memory, and its primaries by their number in ITU-T
    H.273 where the file tells them beside a profile."""

    picture: Image.Image
    primaries: int


def decode_still(path: Path) -> Still:
    """The one picture of a file. Raises MediaError."""
    with opened_picture(path, "a photo: JPEG, PNG, HEIC, TIFF, WebP or the like") as picture:
        # A phone's photo may hold a second picture (MPO: depth or gain map); the one shown is it.
        count = getattr(picture, "n_frames", 1)
        if count > 1 and picture.format not in ("MPO", "HEIF"):
            raise MediaError(f"{path} holds {count} pictures", "one still photo")
        require_developed(picture, path)
        primaries = standard_primaries(picture, path)
        read_as_stored(picture)
        return Still(ImageOps.exif_transpose(picture), primaries)


def _shown_in_srgb(rgb: Image.Image, stored: Image.Image, primaries: int, path: Path) -> Tensor:
    """8-bit RGB as a tensor, from the primaries that a file without a profile tells. Raises
    MediaError for those of no phone and no screen."""
    image = from_uint8(np.array(rgb))
    is_grey = stored.mode in _GREY_MODES
    if is_grey or "icc_profile" in stored.info or primaries in _USUAL_PRIMARIES:
        return image.contiguous()
    if primaries == DISPLAY_P3:
        return display_p3_to_srgb(image).contiguous()
    raise MediaError(
        f"{path} has primaries of the number {primaries} in ITU-T H.273",
        "those of sRGB or Display P3, or a colour profile",
        "export it as sRGB first",
    )


def _opaque_srgb(picture: Image.Image, path: Path) -> Image.Image:
    """An 8-bit picture as sRGB without alpha. Raises MediaError where a pixel is transparent."""
    profile = picture.info.get("icc_profile")
    colours = "L" if picture.mode in ("L", "LA", "La") else "RGB"
    if picture.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in picture.info:
        if picture.convert("RGBA").getchannel("A").getextrema() != (255, 255):
            raise MediaError(
                f"{path} has transparent pixels",
                "an opaque picture",
                "lay it over the background you want first",
            )
        # A profile is of the colours as they are stored: grey, or red, green and blue.
        picture = picture.convert("RGBA" if colours == "RGB" else picture.mode).convert(colours)
    if picture.mode in ("P", "PA"):
        picture = picture.convert(colours)
    if profile and picture.mode in ("L", "RGB"):
        return _convert_profile(picture, profile, path)
    return picture.convert("RGB")


def _convert_profile(picture: Image.Image, profile: bytes, path: Path) -> Image.Image:
    """Convert from an embedded ICC profile to sRGB; an sRGB profile leaves the values alone."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() == "RGB":  # a grey picture may keep the one it had
            picture = picture.convert("RGB")
        if _leaves_alone(source, picture.mode):
            return picture.convert("RGB")
        converted = _to_srgb(picture, source)
    except (ImageCms.PyCMSError, OSError) as error:
        raise MediaError(
            f"{path} has a colour profile that cannot be used: {error}",
            remedy="export it as sRGB, or remove the profile",
        ) from error
    return converted


def _leaves_alone(source: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Whether a profile is sRGB's but for rounding, whatever it is called: then levels stay."""
    samples = Image.frombytes(mode, (_SAMPLES.shape[1] // len(mode), 1), _SAMPLES.tobytes())
    plain, converted = (
        np.asarray(x).astype(int) for x in (samples.convert("RGB"), _to_srgb(samples, source))
    )
    return int(np.abs(plain - converted).max()) <= _ROUNDING_LEVELS


def _to_srgb(picture: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(
        picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None  # not converted in place
    return converted


def _sixteen_bit_grey(
    picture: Image.Image, path: Path
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A 16-bit grey picture as float32 [H, W, 3] in 0..1. Raises MediaError for other levels, and
    where a level is transparent."""
    if "transparency" in picture.info:
        raise MediaError(f"{path} has a transparent level", "an opaque picture")
    levels = np.asarray(picture).astype(np.float32)
    if levels.min() < 0 or levels.max() > _MAX_UINT16:
        raise MediaError(f"{path} has 32-bit grey levels", "8 or 16 bits")
    grey = levels / np.float32(_MAX_UINT16)
    return np.repeat(grey[:, :, None], 3, axis=2)
