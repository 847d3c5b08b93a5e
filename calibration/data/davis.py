"""DAVIS 2017: short films of real motion, for temporal steadiness without truth.

The layout accepted, as the set is published:

    <folder>/JPEGImages/480p/<sequence>/00000.jpg, 00001.jpg and so on
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bokehflow.calibration.data.picture_size import picture_size
from bokehflow.calibration.data.problems import Problems
from bokehflow.errors import InputError, MediaError
from bokehflow.media import read_photo
from bokehflow.media.listing import files_ending_in

FRAMES_FOLDER = Path("JPEGImages") / "480p"


@dataclass(frozen=True, slots=True)
class Sequence:
    """One film: its frames in order, all of one size."""

    name: str
    frames: tuple[Path, ...]

    def read(self, first: int, count: int) -> Tensor:
        """`count` frames from `first` on, [count, 3, H, W] sRGB 0..1.

        Raises InputError for frames that it does not have, MediaError for unreadable ones.
        """
        if first < 0 or count < 1 or first + count > len(self.frames):
            raise InputError(
                f"frames {first} to {first + count - 1} of {self.name}",
                f"some of its {len(self.frames)} frames",
            )
        return torch.cat([read_photo(path) for path in self.frames[first : first + count]])


_ASIDE = (".", "@")
"""How folders begin that editors and file servers put beside the films."""


def find_davis(folder: Path, skip_bad: bool = False) -> tuple[list[Sequence], Problems]:
    """The films that can be used, and what is wrong with the others.

    A film with a gap in its numbering, an unreadable frame or frames of two sizes is bad as a
    whole. Raises InputError for a folder of another layout, for bad films unless `skip_bad`, and
    where none is left.
    """
    place = folder / FRAMES_FOLDER
    if not place.is_dir():
        raise InputError(f"{place} is not a folder", "DAVIS 2017 with JPEGImages/480p/<sequence>")
    problems = Problems()
    folders = [p for p in sorted(place.iterdir()) if p.is_dir() and p.name[0] not in _ASIDE]
    found = [_sequence(path, problems) for path in folders]
    films = [film for film in found if film is not None]
    problems.settle(str(place), len(films), skip_bad)
    return films, problems


def _sequence(folder: Path, problems: Problems) -> Sequence | None:
    paths = files_ending_in((".jpg",), folder)
    if not paths:
        problems.add("missing", folder, "no frames")
        return None
    numbers = {path.stem for path in paths}
    missing = next((n for n in range(len(paths)) if f"{n:05d}" not in numbers), None)
    if missing is not None:
        problems.add("missing", folder / f"{missing:05d}.jpg", "a gap in the film")
        return None
    sizes = set()
    for path in paths:
        try:
            sizes.add(picture_size(path))
        except MediaError as error:
            problems.add("unreadable", path, str(error))
            return None
    if len(sizes) > 1:
        problems.add("mismatched", folder, f"frames of {sorted(sizes)}")
        return None
    return Sequence(folder.name, tuple(paths))
