"""Scenes as files, the way someone with another renderer would use them.

    <folder>/<scene>/frame.png   the sharp frame, 8 bits, sRGB
                     depth.npy   metres, float32
                     truth.png   the exact picture, 8 bits, sRGB
                     lens.json   the lens, the aperture, and the scene's name

`bfx render frame.png --depth depth.npy ... -o bokeh.png` makes the file that is then scored.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bokehflow.atomic import atomic_file, make_folder
from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.scenes import Scene
from bokehflow.errors import InputError, UsageError
from bokehflow.media import read_depth, read_photo, write_depth, write_photo
from bokehflow.optics import LENS_FIELDS, Lens
from bokehflow.typed_json import typed

FRAME, DEPTH, TRUTH, LENS = "frame.png", "depth.npy", "truth.png", "lens.json"
_BLADES, _ROTATION = "blades", "blade_rotation_deg"


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
    facts |= {_BLADES: scene.aperture.blades, _ROTATION: scene.aperture.rotation_deg}
    facts["scene"] = scene.name
    with atomic_file(place / LENS) as hidden:
        hidden.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return place


def read_scene(place: Path) -> Scene:
    """Read a scene that `write_scene` wrote. Raises InputError for a missing or damaged file."""
    lens, aperture = _read_lens(place / LENS)
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
        lens=lens,
        truth=truth,
        aperture=aperture,
    )


def find_scenes(folder: Path) -> list[Path]:
    """The scenes in a folder, by name. Raises InputError where there is none."""
    places = sorted(path.parent for path in folder.glob(f"*/{LENS}"))
    if not places:
        raise InputError(
            f"no scene in {folder}", f"folders that hold {LENS}", "write some: bfx quality --help"
        )
    return places


def _read_lens(path: Path) -> tuple[Lens, Aperture]:
    try:
        # Editors may begin a text with the mark of its encoding.
        facts = typed(dict[str, Any], json.loads(path.read_text(encoding="utf-8-sig")), "it")
        lens = Lens(*(typed(float, facts.get(name), name) for name in LENS_FIELDS))
        blades = typed(int, facts.get(_BLADES), _BLADES)
        return lens, Aperture(blades, typed(float, facts.get(_ROTATION), _ROTATION))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}", "what write_scene wrote") from error
    except (InputError, UsageError) as error:
        raise InputError(
            f"{path} cannot be read: {error.found}",
            error.expected,
            "write the scene again: bfx quality --help",
        ) from error
