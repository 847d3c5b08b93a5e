"""The size of a picture or array on disk, read from its header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ImageOps

from bokehflow.damage import ARRAY_DAMAGE
from bokehflow.errors import MediaError
from bokehflow.media.pictures import opened_picture


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as displayed.

    Raises MediaError where it is none, and MissingDependencyError for a HEIC picture without the
    package that decodes it.
    """
    with opened_picture(path, "a picture") as picture:
        picture.verify()
    # Nothing can be read from a picture after it was verified.
    with opened_picture(path, "a picture") as picture:
        turned = ImageOps.exif_transpose(picture) if picture.getexif().get(0x0112) else picture
        return turned.height, turned.width


def array_size(path: Path) -> tuple[int, ...]:
    """Shape of an `.npy` array. Raises MediaError where it is none."""
    try:
        return tuple(np.load(path, mmap_mode="r", allow_pickle=False).shape)
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist", "an array") from None
    except ARRAY_DAMAGE as error:
        raise MediaError(f"{path} cannot be read: {error}", "a whole .npy array") from error
