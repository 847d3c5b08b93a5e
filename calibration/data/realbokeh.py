"""RealBokeh: photos at f/22 and the same scenes at wider apertures.

The layout accepted, as the set is published (Seizinger et al., "Bokehlicious", 2025):

    <folder>/<part>/metadata/*.json     one file a scene, with `id`, `source_image`,
                                        `target_images` (a list) and `target_avs` (f-numbers)
    <folder>/<part>/<source_image>      the paths inside are relative to <folder>/<part>
    <folder>/<part>/<target_images[i]>

where <part> is train, validation or test. Without a metadata folder, pairs go by their names:
`in/<scene>_f<number>.<suffix>` is the sharp photo of `gt/<scene>_f<number>.<suffix>`.
Depth and focus distance are unknown: these pairs judge a blurred picture, not its depth.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehflow.calibration.data.picture_size import picture_size
from bokehflow.calibration.data.problems import Problems
from bokehflow.errors import InputError, MediaError, UnknownNameError
from bokehflow.media import READABLE_SUFFIXES, read_exif_camera, read_photo
from bokehflow.media.listing import files_ending_in

TRAIN_PART = "train"
PARTS = (TRAIN_PART, "validation", "test")
LONGEST_NAME_BYTES = 200
"""Of a scene: a clip's file is called by it, with a part, an f-number and a suffix around."""
_NAME = re.compile(r"(.+)_[fF]_?(\d+(?:\.\d+)?)$")


@dataclass(frozen=True, slots=True)
class BokehPair:
    """One scene twice: sharp, and blurred by the f-number given."""

    scene: str
    sharp: Path
    blurred: Path
    f_number: float

    @property
    def name(self) -> str:
        """What no other pair of its part is called."""
        return f"{self.scene}_f{self.f_number:g}"

    @property
    def focal_length_mm(self) -> float | None:
        """Of the lens, as the blurred photo's EXIF tags tell it; None where they do not.

        Raises MediaError for tags that are damaged.
        """
        found = read_exif_camera(self.blurred).focal_length_tag
        return found if found is not None and 0.0 < found < math.inf else None

    def read(self) -> tuple[Tensor, Tensor]:
        """Both photos, [1, 3, H, W] sRGB 0..1 each. Raises MediaError."""
        return read_photo(self.sharp), read_photo(self.blurred)


def find_realbokeh(
    folder: Path, part: str, skip_bad: bool = False
) -> tuple[list[BokehPair], Problems]:
    """The pairs of one part of the set that can be used, and what is wrong with the others.

    Every file is opened and its size compared. Raises InputError for a folder of another layout,
    for bad pairs unless `skip_bad`, and where no pair is left; UnknownNameError for another part.
    """
    if part not in PARTS:
        raise UnknownNameError("part", part, PARTS)
    place = folder / part
    if not place.is_dir():
        raise InputError(
            f"{place} is not a folder", "RealBokeh with train/, validation/ or test/ inside"
        )
    problems = Problems()
    listed = _from_metadata if (place / "metadata").is_dir() else _from_names
    pairs, names = list[BokehPair](), set[str]()
    for pair in listed(place, problems):
        if pair.name in names:
            problems.add("mismatched", pair.blurred, f"another photo is {pair.name}, too")
        elif _usable(pair, problems):
            pairs.append(pair)
            names.add(pair.name)
    problems.settle(str(place), len(pairs), skip_bad)
    return pairs, problems


def _from_metadata(place: Path, problems: Problems) -> Iterator[BokehPair]:
    for path in files_ending_in((".json",), place / "metadata"):
        try:
            facts: Any = json.loads(path.read_text(encoding="utf-8"))
            scene, sharp = str(facts["id"]), place / facts["source_image"]
            names = (scene, facts["source_image"], *facts["target_images"])
            if not all(_can_be_a_path(name) for name in names):
                raise ValueError("a name that no file can have")
            targets = list(zip(facts["target_images"], facts["target_avs"], strict=True))
            found = [BokehPair(scene, sharp, place / name, float(av)) for name, av in targets]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            problems.add("unreadable", path, f"not the metadata of a scene: {error!r}")
            continue
        yield from found


def _can_be_a_path(name: str) -> bool:
    """Whether a file system would take a name. Raises TypeError for what is no text."""
    try:
        return bool(os.fsencode(name)) and "\0" not in name
    except UnicodeEncodeError:
        return False


def _from_names(place: Path, problems: Problems) -> Iterator[BokehPair]:
    sharp = {}
    for path in _pictures(place / "in"):
        match = _NAME.fullmatch(path.stem)
        sharp[match[1] if match else path.stem] = path
    for path in _pictures(place / "gt"):
        match = _NAME.fullmatch(path.stem)
        if match is None:
            problems.add("mismatched", path, "no f-number in its name, as in 12_f2.0.jpg")
        elif match[1] not in sharp:
            problems.add("missing", place / "in" / f"{match[1]}_f22.0", "the sharp photo")
        else:
            yield BokehPair(match[1], sharp[match[1]], path, float(match[2]))


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder", "in/ and gt/, or metadata/, beside each other"
        )
    # The set has a folder a scene within gt/.
    return files_ending_in(READABLE_SUFFIXES, folder, within=True)


def _usable(pair: BokehPair, problems: Problems) -> bool:
    """Whether both photos are there, whole and of one size, and the f-number makes sense."""
    sizes = []
    for path in (pair.sharp, pair.blurred):
        if not path.is_file():
            problems.add("missing", path, f"scene {pair.scene}")
            return False
        try:
            sizes.append(picture_size(path))
        except MediaError as error:
            problems.add("unreadable", path, str(error))
            return False
    if sizes[0] != sizes[1]:
        problems.add("mismatched", pair.blurred, f"{sizes[1]} where the sharp photo is {sizes[0]}")
        return False
    too_long = len(os.fsencode(pair.scene)) > LONGEST_NAME_BYTES
    if too_long or pair.scene != Path(pair.scene).name:
        problems.add("mismatched", pair.blurred, f"{pair.scene[:40]!r} is no name for a file")
        return False
    if not 0.5 <= pair.f_number <= 64.0:
        problems.add("mismatched", pair.blurred, f"f-number {pair.f_number}")
        return False
    return True
