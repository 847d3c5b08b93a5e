"""The user's own photos and cut-outs for layered scenes: found, tested and hashed before use.

A folder holds pictures at any depth, and may hold `material.csv`, which says more about some of
them: columns `file` (relative to the folder), `author`, `licence`, `height_m`, each but the first
optional. `height_m` is the real height of what a cut-out shows.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.hashing import file_sha256
from bokehflow.calibration.data.problems import Problems
from bokehflow.calibration.data.split import of_split
from bokehflow.errors import InputError, MediaError
from bokehflow.media import READABLE_SUFFIXES, read_photo
from bokehflow.media.cutout import read_cutout
from bokehflow.media.listing import files_ending_in

TABLE = "material.csv"
CUTOUT_SUFFIXES = (".png",)
AS_GIVEN = "as given by the user"
HEIGHTS_M = (0.005, 100.0)
MOST_ELONGATED = 256
"""So that shrunk pictures have more than one row and column."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One file. name: its path in its folder, by which it is sorted into a split for good.

    height_m: the real height of a cut-out, None where unknown.
    """

    name: str
    path: Path
    sha256: str
    author: str = "unknown"
    licence: str = AS_GIVEN
    height_m: float | None = None

    @property
    def asset(self) -> Asset:
        """Whose it is, and under which licence it is used."""
        return Asset(self.name, f"file {self.path.name}", self.author, self.licence)

    def unchanged(self) -> Path:
        """Its path. Raises InputError where the file is not the one that was hashed."""
        if file_sha256(self.path) != self.sha256:
            raise InputError(f"{self.path} changed while clips were made", "the file as it was")
        return self.path


@dataclass(frozen=True, slots=True)
class Material:
    """Photos and cut-outs that may be used, in the order of their names; left_out: which others
    were found, and why not."""

    photos: tuple[Picture, ...] = ()
    cutouts: tuple[Picture, ...] = ()
    left_out: tuple[str, ...] = ()

    def of_split(self, split: str) -> Material:
        """Those that belong to a split, by their names; may be none."""
        return Material(tuple(of_split(self.photos, split)), tuple(of_split(self.cutouts, split)))

    @property
    def photos_sha256(self) -> str:
        """One hash of all photos, empty for none."""
        return _digest(self.photos)

    @property
    def cutouts_sha256(self) -> str:
        """One hash of all cut-outs, empty for none."""
        return _digest(self.cutouts)


NO_MATERIAL = Material()


def find_material(
    photos: Path | None = None, cutouts: Path | None = None, skip_bad: bool = False
) -> Material:
    """Read every picture of the folders once and keep those that are whole.

    Raises InputError for a folder that is not there or holds nothing usable, for a table that is
    none, and for damaged pictures, all of them listed, unless `skip_bad`; MissingDependencyError
    for HEIC photos without the package that decodes them.
    """
    found_photos, bad_photos = _find(photos, READABLE_SUFFIXES, read_photo, skip_bad)
    found_cutouts, bad_cutouts = _find(cutouts, CUTOUT_SUFFIXES, read_cutout, skip_bad)
    return Material(found_photos, found_cutouts, (*bad_photos, *bad_cutouts))


def _find(
    folder: Path | None, suffixes: tuple[str, ...], read: Callable[[Path], Tensor], skip_bad: bool
) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The pictures of a folder, and what was left out of it and why."""
    if folder is None:
        return (), ()
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", "one with pictures: " + ", ".join(suffixes))
    problems, rows = Problems(), _table(folder)
    paths = files_ending_in(suffixes, folder, within=True)
    found = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            _require_area(read(path), path)
            found.append(_picture(name, path, rows.pop(name, {})))
        except MediaError as error:
            problems.add("unreadable", path, str(error))
        except ValueError as error:
            problems.add("mismatched", folder / TABLE, f"{name}: {error}")
    for name in rows:
        problems.add("missing", folder / name, f"listed in {TABLE}")
    problems.settle(str(folder), len(found), skip_bad)
    return tuple(found), tuple(f"{path} ({reason})" for _, path, reason in problems.found)


def _require_area(picture: Tensor, path: Path) -> None:
    """Raise MediaError for a picture [..., H, W] that is a line, or nearly one."""
    height, width = picture.shape[-2:]
    short, long = sorted((height, width))
    if short < 2 or long > MOST_ELONGATED * short:
        raise MediaError(
            f"{path} is {width} x {height} pixels",
            f"2 or more a side, and one side at most {MOST_ELONGATED} times the other",
        )


def _table(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of the folder's table by file, none without one. Raises InputError for a damaged
    one: what it says of pictures is not to be lost with it."""
    path = folder / TABLE
    if not path.is_file():
        return {}
    try:
        # Spreadsheets begin theirs with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row["file"]: row for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read ({error!r})",
            "a table in UTF-8 with a column `file`",
            "mend it or move it away",
        ) from error


def _picture(name: str, path: Path, row: dict[str, str]) -> Picture:
    height = row.get("height_m")
    if height and not HEIGHTS_M[0] <= float(height) <= HEIGHTS_M[1]:
        raise ValueError(f"height_m {height} is not between {HEIGHTS_M[0]} and {HEIGHTS_M[1]}")
    return Picture(
        name,
        path.resolve(),
        file_sha256(path),
        row.get("author") or "unknown",
        row.get("licence") or AS_GIVEN,
        float(height) if height else None,
    )


def _digest(pictures: Iterable[Picture]) -> str:
    """A hash of everything about the pictures that a clip depends on."""
    facts = [(p.name, p.sha256, p.author, p.licence, p.height_m) for p in pictures]
    return hashlib.sha256(repr(facts).encode()).hexdigest() if facts else ""
