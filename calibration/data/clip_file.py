"""A clip on disk: one compressed `.npz`, the arrays of `Clip` and its info as JSON text.

The same clip gives the same bytes. A file appears whole or not at all.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bokehflow.atomic import atomic_file
from bokehflow.calibration.data.clip import (
    ARRAYS,
    TRUTHS,
    Clip,
    ClipInfo,
    Float16,
    Form,
    require_fit,
)
from bokehflow.calibration.data.split import SPLITS
from bokehflow.damage import ARCHIVE_DAMAGE, damage_in
from bokehflow.errors import BokehFlowError, InputError
from bokehflow.optics import require_field_of_view
from bokehflow.specs import Size
from bokehflow.typed_json import typed

SCHEMA = 1
CLIP_SUFFIX = ".npz"


def write_clip(path: Path, clip: Clip) -> None:
    """Write a clip. Raises OutputError where it cannot be written."""
    facts = {"schema": SCHEMA, **dataclasses.asdict(clip.info)}
    if clip.info.known == TRUTHS:
        del facts["known"]
    text = json.dumps(facts, sort_keys=True).encode()
    arrays: dict[str, Any] = {name: getattr(clip, name) for name in ARRAYS}
    # Into memory first: NumPy does not notice when an array no longer fits on the disk.
    content = io.BytesIO()
    np.savez_compressed(content, info=np.frombuffer(text, dtype=np.uint8), **arrays)
    with atomic_file(path) as hidden:
        hidden.write_bytes(content.getbuffer())


def read_clip(path: Path) -> Clip:
    """Read a clip. Raises InputError for a file that is missing, damaged or of another schema."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ARRAYS}
            info = _info(stored["info"])
        clip = Clip(**arrays, info=info)
        _require_depth(clip.inverse_depth, info)
        _require_flow(clip.flow, info)
        return clip
    except ARCHIVE_DAMAGE as error:
        raise _unreadable(path, error) from error
    except BokehFlowError as error:
        raise InputError(f"{path}: {error}") from error


def read_info(path: Path) -> ClipInfo:
    """Read only what is known about a clip. Raises InputError as `read_clip` does."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return _info(stored["info"])
    except ARCHIVE_DAMAGE as error:
        raise _unreadable(path, error) from error
    except BokehFlowError as error:
        raise InputError(f"{path}: {error}") from error


def examine(path: Path) -> tuple[int, Size]:
    """Number and size of a clip's frames. Every byte is checked against the sums in the file and
    the arrays' shapes and types against each other, and depth and flow are looked at; no picture
    is. Raises InputError as `read_clip` does.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise ValueError(f"{damaged} is damaged")
            forms = {name: _form(archive, name) for name in ARRAYS}
        require_fit(forms)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            info = _info(stored["info"])
            _require_depth(stored["inverse_depth"], info)
            _require_flow(stored["flow"], info)
    except ARCHIVE_DAMAGE as error:
        raise _unreadable(path, error) from error
    except BokehFlowError as error:
        raise InputError(f"{path}: {error}") from error
    count, height, width = forms["frames"].shape[:3]
    return count, Size(height, width)


def _form(archive: zipfile.ZipFile, name: str) -> Form:
    """Shape and type of one array, from its header."""
    with archive.open(f"{name}.npy") as member:
        np.lib.format.read_magic(member)
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    return Form(shape, dtype)


def _info(text: Any) -> ClipInfo:
    facts = json.loads(text.tobytes())
    if facts.pop("schema") != SCHEMA:
        raise InputError("a clip of another schema", f"schema {SCHEMA}", "make the data again")
    info: ClipInfo = typed(ClipInfo, {"known": list(TRUTHS), **facts}, "")
    require_field_of_view("fov_deg", info.fov_deg)
    if info.split not in SPLITS:
        raise InputError(f"split={info.split!r}", " or ".join(SPLITS))
    return info


def _require_depth(inverse_depth: Float16, info: ClipInfo) -> None:
    """Raise InputError for inverse depth that is known and no distance."""
    if "depth" not in info.known:
        return
    bad = int((~np.isfinite(inverse_depth)).sum() + (inverse_depth < 0).sum())
    if bad:
        raise InputError(
            f"{bad} of {inverse_depth.size} inverse depths are NaN, infinite or negative",
            "numbers from 0 on, in 1/m",
        )


def _require_flow(flow: Float16, info: ClipInfo) -> None:
    """Raise InputError for flow that is known and not finite, valid there or not."""
    if "flow" not in info.known:
        return
    bad = int((~np.isfinite(flow)).sum())
    if bad:
        raise InputError(f"{bad} of {flow.size} numbers of flow are NaN or infinite", "px")


def _unreadable(path: Path, error: Exception) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"the clip {path} does not exist")
    return InputError(
        f"the clip {path} cannot be read: {damage_in(error)}",
        "a file that `bfx data make` or `bfx data import` wrote",
        "delete it and run the same command again",
    )
