"""The furniture catalogues of Debian's `sweethome3d-furniture`: real sizes, authors, licences.

Each library is a zip file with a `PluginFurnitureCatalog.properties`, whose lines `key#n=value`
describe its n-th model.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bokehflow.calibration.data.clip import Asset
from bokehflow.errors import InputError

LIBRARY_FOLDER = Path("/usr/share/sweethome3d/furniture")
APT_PACKAGE = "sweethome3d-furniture"
LICENCES = {
    "BlendSwap-CC-0": "CC0-1.0",
    "BlendSwap-CC-BY": "CC-BY-3.0",
    "KatorLegaz": "CC-BY-3.0-US",
    "Reallusion": "CC-BY-3.0-US",
    "Scopia": "CC-BY-3.0",
}
"""Library and licence, as the package's copyright file states them; others are not used."""
_CATALOGUE = "PluginFurnitureCatalog.properties"
_LINE = re.compile(r"(\w+)#(\d+)=(.*)")


@dataclass(frozen=True, slots=True)
class Furniture:
    """One model. Sizes in metres; `model` is its path inside the library's zip file.

    place_on_m: height of its top where small things can stand on it, or None. elevation_m: how high
    above the floor it hangs. rotation: 9 numbers, row by row, or None. door_or_window: belongs in a
    wall.
    """

    name: str
    library: str
    model: str
    category: str
    tags: tuple[str, ...]
    size_m: tuple[float, float, float]
    place_on_m: float | None
    elevation_m: float
    rotation: tuple[float, ...] | None
    door_or_window: bool
    author: str

    @property
    def asset(self) -> Asset:
        """Who made it, and under which licence it is used."""
        return Asset(self.name, APT_PACKAGE, self.author, LICENCES[self.library])


@cache
def catalogue(folder: Path = LIBRARY_FOLDER) -> tuple[Furniture, ...]:
    """Every model of the libraries with a known free licence, in the order of their names.

    Raises InputError where the package is not installed or a library cannot be read.
    """
    found: list[Furniture] = []
    for library in LICENCES:
        path = folder / f"{library}.sh3f"
        if not path.is_file():
            raise InputError(
                f"{path} does not exist",
                f"the furniture of Debian's package {APT_PACKAGE}",
                f"apt-get install {APT_PACKAGE}, or make only --source layered",
            )
        found += _read_library(path, library)
    return tuple(sorted(found, key=lambda item: item.name))


def _read_library(path: Path, library: str) -> list[Furniture]:
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_CATALOGUE).decode("latin-1")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} cannot be read: {error}", remedy=f"apt-get install --reinstall {APT_PACKAGE}"
        ) from error
    entries: dict[int, dict[str, str]] = defaultdict(dict)
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            entries[int(match[2])][match[1]] = match[3].strip()
    return [_furniture(entry, library) for entry in entries.values()]


def _furniture(entry: dict[str, Any], library: str) -> Furniture:
    model = entry["model"].lstrip("/")
    on_top = float(entry.get("dropOnTopElevation", 0.0)) / 100.0
    rotation = entry.get("modelRotation")
    return Furniture(
        name=model.rsplit("/", 1)[0],
        library=library,
        model=model,
        category=entry["category"],
        tags=tuple(tag.strip() for tag in entry["tags"].split(",") if tag.strip()),
        size_m=_metres(entry["width"], entry["height"], entry["depth"]),
        place_on_m=on_top if on_top > 0 else None,
        elevation_m=float(entry.get("elevation", 0.0)) / 100.0,
        rotation=tuple(float(part) for part in rotation.split()) if rotation else None,
        door_or_window=entry["doorOrWindow"] == "true",
        author=entry["creator"],
    )


def _metres(width_cm: str, height_cm: str, depth_cm: str) -> tuple[float, float, float]:
    return float(width_cm) / 100.0, float(height_cm) / 100.0, float(depth_cm) / 100.0
