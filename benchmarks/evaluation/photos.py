"""Real photos to look at: those that come inside packages, and folders of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from bokehflow.calibration.frames import list_photos, resized
from bokehflow.calibration.materials import packaged_photo
from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.media import read_photo
from bokehflow.specs import MOBILE_PROFILE, Size, network_size_for

PACKAGED = ("astronaut", "coffee")
"""Photos in the scikit-image wheel that show something near and something far, and that no training
clip shows on a wall (`split.split_of_name`)."""


def photo_count(folders: Sequence[Path]) -> int:
    """How many photos there will be. All are read, for after a long measurement is too late.

    Raises MediaError for a folder without photos or a photo that cannot be read.
    """
    return sum(1 for _ in real_photos(folders))


def real_photos(folders: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Name and picture [1, 3, H, W], sRGB 0..1, as small as the mobile profile's network sees.

    Raises MediaError for a folder without photos or a photo that cannot be read.
    """
    for name in PACKAGED:
        yield name, _small(packaged_photo(name))
    yield "motorcycle", _small(motorcycle().left)
    for folder in folders:
        for path in list_photos(folder):
            yield path.stem, _small(read_photo(path))


def _small(photo: Tensor) -> Tensor:
    size = network_size_for(Size(photo.shape[2], photo.shape[3]), MOBILE_PROFILE)
    return resized(photo, size)
