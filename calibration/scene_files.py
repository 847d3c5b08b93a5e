"""Scenes as files, the way someone with another renderer would use them.

    <folder>/<scene>/frame.png   the sharp frame, 8 bits, sRGB
                     depth.npy   metres, float32
                     truth.png   the exact picture, 8 bits, sRGB
                     lens.json   the lens, the aperture, and the scene's name

`bfx render frame.png --depth depth.npy ... -o bokeh.png` makes the file that is then scored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bokehflow.atomic import atomic_file, make_folder
from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.scenes import Scene
from bokehflow.errors import InputError
from bokehflow.media import read_depth, read_photo, write_depth, write_photo
from bokehflow.optics import LENS_FIELDS, Lens

FRAME, DEPTH, TRUTH, LENS = "frame.png", "depth.npy", "truth.png", "lens.json"
_APERTURE_FIELDS = ("blades", "blade_rotation_deg")


def write_scene(scene: Scene, folder: Path) -> Path:
    """Write a scene into `folder/<name>`, made if need be, and return that path.

    Raises OutputError where it cannot be written.
    """
    place = folder / scene.name
    make_folder(place)
    write_photo(place / FRAME, scene.frame)
    write_depth(place / DEPTH, scene.depth_m)
    write_photo(place / TRUTH, scene.truth)
    facts: dict[str, object] = dict(zip(LENS_FIELDS, scene.lens.as_tuple(), strict=True))
    facts |= {"blades": scene.aperture.blades, "blade_rotation_deg": scene.aperture.rotation_deg}
    facts["scene"] = scene.name
    with atomic_file(place / LENS) as hidden:
        hidden.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return place


def read_scene(place: Path) -> Scene:
    """Read a scene that `write_scene` wrote. Raises InputError for a missing or damaged file."""
    facts = _read_facts(place / LENS)
    frame = read_photo(place / FRAME)
    height, width = frame.shape[-2:]
    truth = read_photo(place / TRUTH)
    if truth.shape != frame.shape:
        raise InputError(
            f"{place / TRUTH} is {list(truth.shape)}", f"the frame's {list(frame.shape)}"
        )
    return Scene(
        name=place.name,
        frame=frame,
        depth_m=read_depth(place / DEPTH, height, width),
        lens=Lens(*(float(facts[name]) for name in LENS_FIELDS)),
        truth=truth,
        aperture=Aperture(int(facts["blades"]), float(facts["blade_rotation_deg"])),
    )


def find_scenes(folder: Path) -> list[Path]:
    """The scenes in a folder, by name. Raises InputError where there is none."""
    places = sorted(path.parent for path in folder.glob(f"*/{LENS}"))
    if not places:
        raise InputError(
            f"no scene in {folder}", f"folders that hold {LENS}", "write some: bfx quality --help"
        )
    return places


def _read_facts(path: Path) -> Mapping[str, float]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}", "what write_scene wrote") from error
    if not isinstance(facts, dict):
        raise InputError(f"{path} holds no facts", "what write_scene wrote")
    wanted = (*LENS_FIELDS, *_APERTURE_FIELDS)
    missing = [name for name in wanted if not isinstance(facts.get(name), int | float)]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}", "numbers for " + ", ".join(wanted))
    return {name: facts[name] for name in wanted}
