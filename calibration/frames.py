"""Real frames of a wanted size, for validation and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.errors import MediaError
from bokehflow.media import READABLE_SUFFIXES, read_photo
from bokehflow.media.listing import files_ending_in
from bokehflow.optics import Lens
from bokehflow.specs import Size

BENCHMARK_LENSES = (
    Lens(focal_length_mm=50.0, f_number=1.8, focus_m=3.0),
    Lens(focal_length_mm=35.0, f_number=2.0, focus_m=0.8),
)
"""One lens that leaves near things blurred and one that leaves far things so, taken in turn."""


def validation_frames(size: Size, count: int, folder: Path | None = None) -> Iterator[Tensor]:
    """`count` frames [1, 3, H, W], sRGB 0..1, cut to the shape of `size` and resized.

    folder: photos of the user's, taken in the order of their names and from the start again when
    they run out; None takes the packaged stereo pair, left and right in turn.
    Raises MediaError for a folder without photos or a photo that cannot be read.
    """
    if folder is None:
        pair: Sequence[Tensor] = motorcycle()[:2]
        for index in range(count):
            yield fit(pair[index % 2], size)
        return
    photos = list_photos(folder)
    for index in range(count):
        yield fit(read_photo(photos[index % len(photos)]), size)


def list_photos(folder: Path) -> list[Path]:
    """The photos in a folder and the folders in it, in the order of their paths.

    Raises MediaError if there are none.
    """
    if not folder.is_dir():
        raise MediaError(f"{folder} is not a folder", "a folder with photos")
    photos = files_ending_in(READABLE_SUFFIXES, folder, within=True)
    if not photos:
        raise MediaError(
            f"no photos in {folder}", "files ending in " + ", ".join(READABLE_SUFFIXES)
        )
    return photos


def fit(image: Tensor, size: Size) -> Tensor:
    """The middle of a picture in the shape of `size`, resized to it. [1, 3, H, W] both."""
    height, width = image.shape[2:]
    window = largest_window(Size(height, width), size)
    top, left = (height - window.height) // 2, (width - window.width) // 2
    cut = image[:, :, top : top + window.height, left : left + window.width]
    return resized(cut, size)


def resized(image: Tensor, size: Size) -> Tensor:
    """A picture [1, C, H, W] in 0..1, made larger or smaller to a size."""
    enlarged = F.interpolate(image, (size.height, size.width), mode="bicubic", antialias=True)
    return enlarged.clamp(0.0, 1.0)


def largest_window(picture: Size, shape: Size) -> Size:
    """The largest window of a picture that has the shape of `shape`."""
    scale = min(picture.height / shape.height, picture.width / shape.width)
    # A strip may be narrower than a pixel of the picture.
    return Size(*(max(1, round(side * scale)) for side in (shape.height, shape.width)))
