"""The size of a picture or array on disk, read from its header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bokehflow.errors import MediaError


def picture_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as displayed. Raises MediaError where it is none."""
    try:
        with Image.open(path) as picture:
            picture.verify()
        with Image.open(path) as picture:
            turned = ImageOps.exif_transpose(picture) if picture.getexif().get(0x0112) else picture
            return turned.height, turned.width
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist", "a picture") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"{path} cannot be read: {error}", "a whole picture") from error


def array_size(path: Path) -> tuple[int, ...]:
    """Shape of an `.npy` array. Raises MediaError where it is none."""
    try:
        return tuple(np.load(path, mmap_mode="r", allow_pickle=False).shape)
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist", "an array") from None
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise MediaError(f"{path} cannot be read: {error}", "a whole .npy array") from error
