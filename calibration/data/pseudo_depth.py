"""Depth that another network guessed: pictures, and beside each a file of relative inverse depth.

The layout accepted: `<images>/<name>.<suffix>`, with the suffix of any photo that can be read, and
`<labels>/<name>.png|.npy`, where a label is what Depth Anything V2 and its like write: 16-bit grey
PNG or a floating-point array, larger is *nearer*, the scale and offset unknown. Whoever imports
them says which distances a label spans; what is learnt of metres is as good as that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data.picture_size import array_size, picture_size
from bokehflow.calibration.data.problems import Problems
from bokehflow.damage import ARRAY_DAMAGE
from bokehflow.errors import InputError, MediaError
from bokehflow.media import READABLE_SUFFIXES, read_photo
from bokehflow.media.listing import files_ending_in
from bokehflow.media.pictures import opened_picture

LABEL_SUFFIXES = (".npy", ".png")
"""In the order in which they are looked for: a picture beside an array may be there to look at."""


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A picture and its guessed depth, of the same size."""

    photo: Path
    label: Path

    def read(self) -> tuple[Tensor, Tensor]:
        """The picture [1, 3, H, W] sRGB 0..1 and relative inverse depth [1, 1, H, W] in 0..1.

        Raises MediaError for a label that is not 16-bit grey or floating point, is the same
        everywhere, or holds NaN.
        """
        return read_photo(self.photo), read_label(self.label)


def read_label(path: Path) -> Tensor:
    """Relative inverse depth, larger is nearer, stretched to 0..1, float32 [1, 1, H, W]."""
    values = _npy(path) if path.suffix.lower() == ".npy" else _png(path)
    if not np.isfinite(values).all():
        raise MediaError(f"{path} holds NaN or infinite values", "a finite label at every pixel")
    # Halves: the difference of two numbers may be larger than any.
    halves = values / 2.0
    low, high = halves.min(), halves.max()
    if low == high:
        raise MediaError(f"{path} is {values.min()} everywhere", "a label that varies")
    stretched = (halves - low) / (high - low)
    return torch.from_numpy(stretched).float()[None, None]


def find_pseudo_depth(
    photos: Path, labels: Path, skip_bad: bool = False
) -> tuple[list[LabelledPhoto], Problems]:
    """The pictures with a label of their size, and what is wrong with the others.

    Raises InputError for folders that are not there, for bad pairs unless `skip_bad`, and where no
    pair is left.
    """
    for folder in (photos, labels):
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder", "one with pictures, one with labels")
    problems = Problems()
    pairs = []
    names = set[str]()
    for photo in files_ending_in(READABLE_SUFFIXES, photos):
        if photo.stem in names:
            problems.add("mismatched", photo, "another photo has its name but for the suffix")
            continue
        names.add(photo.stem)
        found = [labels / f"{photo.stem}{suffix}" for suffix in LABEL_SUFFIXES]
        label = next((path for path in found if path.is_file()), None)
        if label is None:
            problems.add("missing", found[0], f"the label of {photo.name}")
        elif _sizes_agree(photo, label, problems):
            pairs.append(LabelledPhoto(photo, label))
    problems.settle(str(photos), len(pairs), skip_bad)
    return pairs, problems


def _sizes_agree(photo: Path, label: Path, problems: Problems) -> bool:
    """Whether both can be read and are of one size; notes it where not."""
    path = photo
    try:
        size: tuple[int, ...] = picture_size(photo)
        path = label
        other = array_size(label) if label.suffix == ".npy" else picture_size(label)
    except MediaError as error:
        problems.add("unreadable", path, str(error))
        return False
    if tuple(n for n in other if n != 1) != tuple(n for n in size if n != 1):
        problems.add("mismatched", label, f"{other} where the picture is {size}")
        return False
    return True


def _npy(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    try:
        values = np.load(path, allow_pickle=False)
    except ARRAY_DAMAGE as error:
        raise MediaError(f"{path} cannot be read: {error}", "a whole .npy array") from error
    if values.dtype.kind != "f" or values.squeeze().ndim != 2 or not values.size:
        raise MediaError(f"{path} holds {values.dtype} {values.shape}", "floating point [H, W]")
    return np.asarray(values.reshape(values.squeeze().shape), dtype=np.float64)


def _png(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    with opened_picture(path, "a label in 16-bit grey") as picture:
        mode, levels = picture.mode, np.asarray(picture)
    if not mode.startswith("I;16"):
        raise MediaError(f"{path} is a {mode} picture", "16-bit grey")
    return levels.astype(np.float64)
