"""The manifest of a data folder: what was asked, what was made, of whose work, with which hashes.

`manifest.json` stands in the folder from the first clip on. The request in it must be the same when
making goes on; the list of clips is written again whenever making stops, finished or not.
"""

from __future__ import annotations

import dataclasses
import json
import reprlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehflow.atomic import atomic_file, make_folder
from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.clip_file import examine, read_info
from bokehflow.calibration.data.hashing import file_sha256
from bokehflow.calibration.data.request import SOURCES, DataRequest
from bokehflow.errors import InputError, UsageError
from bokehflow.typed_json import typed

MANIFEST = "manifest.json"
SCHEMA = 1
_REMEDY = "delete it and run the same `bfx data make` again; the clips are kept"


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip in the manifest. path is relative to the folder; assets are names."""

    path: str
    sha256: str
    source: str
    split: str
    index: int
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a data folder holds, in the order of the paths."""

    request: DataRequest
    clips: tuple[Entry, ...] = ()
    assets: tuple[Asset, ...] = ()

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of clips by source and split."""
        counted = Counter((clip.source, clip.split) for clip in self.clips)
        sources = sorted({clip.source for clip in self.clips})
        splits = sorted({clip.split for clip in self.clips})
        return {name: {split: counted[name, split] for split in splits} for name in sources}

    def document(self) -> dict[str, Any]:
        """The manifest as JSON knows it."""
        return {
            "schema": SCHEMA,
            "request": _request_document(self.request),
            "counts": self.counts(),
            "licences": dict(Counter(asset.licence for asset in self.assets)),
            "assets": [dataclasses.asdict(asset) for asset in self.assets],
            "clips": [dataclasses.asdict(clip) for clip in self.clips],
        }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it, whole or not at all. Raises OutputError."""
    with atomic_file(folder / MANIFEST) as hidden:
        hidden.write_text(json.dumps(manifest.document(), indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder. Raises InputError where there is none, or a damaged one."""
    path = folder / MANIFEST
    try:
        return _from_plain(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(
            f"{folder} holds no {MANIFEST}", "a folder that `bfx data make` made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}", remedy=_REMEDY) from error
    except (InputError, UsageError) as error:
        raise InputError(
            f"{path} cannot be read: {error.found}", error.expected, _REMEDY
        ) from error


def _from_plain(facts: Any) -> Manifest:
    found = facts.get("schema") if isinstance(facts, dict) else None
    if found != SCHEMA:
        raise InputError(f"schema {reprlib.repr(found)}", str(SCHEMA))
    names = [field.name for field in dataclasses.fields(Manifest)]
    manifest: Manifest = typed(Manifest, {name: facts.get(name) for name in names}, "")
    return manifest


def start_manifest(folder: Path, request: DataRequest) -> dict[str, str]:
    """Make the folder and put the request in it. Returns the hashes, by path in the folder, of the
    clips that lie there already.

    Raises UsageError for a folder of another request, InputError for a damaged manifest or, where
    there is none, a damaged clip.
    """
    make_folder(folder)
    if not (folder / MANIFEST).exists():
        for path in clip_paths(folder):
            _require_of_request(path, request)
        write_manifest(folder, Manifest(request))
        return {}
    found = read_manifest(folder)
    if found.request != request:
        raise UsageError(
            f"{folder} was made with {_words(found.request)}",
            f"the same, or another folder for {_words(request)}",
        )
    return {clip.path: clip.sha256 for clip in found.clips if (folder / clip.path).exists()}


def require_undamaged(folder: Path) -> None:
    """Raise InputError for a clip that cannot be read."""
    for path in clip_paths(folder):
        read_info(path)


def scan_folder(
    folder: Path, request: DataRequest, known: Mapping[str, str], *, skip_bad: bool = False
) -> Manifest:
    """The manifest of the clips that lie in a folder. Raises InputError for a damaged clip, unless
    `skip_bad` leaves those out.

    known: hashes, by path in the folder, that stay as they are: a clip that was damaged since is
    not to become the truth.
    """
    clips, assets = [], set[Asset]()
    for path in clip_paths(folder):
        try:
            info, name = read_info(path), path.relative_to(folder).as_posix()
        except InputError:
            if skip_bad:
                continue
            raise
        clips.append(
            Entry(
                path=name,
                sha256=known.get(name) or file_sha256(path),
                source=info.source,
                split=info.split,
                index=info.index,
                assets=tuple(asset.name for asset in info.assets),
            )
        )
        assets.update(info.assets)
    return Manifest(request, tuple(clips), tuple(sorted(assets)))


def _require_of_request(path: Path, request: DataRequest) -> None:
    frames, size = examine(path)
    info = read_info(path)
    found = (info.seed, frames, size.height, size.width, ", ".join(info.known))
    wanted = (
        request.seed, request.frames, request.height, request.width, ", ".join(request.known),
    )  # fmt: skip
    if found != wanted:
        raise UsageError(
            "{} has seed {} and {} frames of {}x{} with {}".format(path, *found),
            "seed {} and {} frames of {}x{} with {}, or another folder".format(*wanted),
        )


def clip_paths(folder: Path) -> Sequence[Path]:
    """The clips of our sources in a folder, hidden unfinished files left out, in order.

    Those that `bfx data import` put beside them are none of the request's.
    """
    return [
        path for source in sorted(SOURCES) for path in sorted((folder / source).glob("[!.]*.npz"))
    ]


def _request_document(request: DataRequest) -> dict[str, Any]:
    """The request as JSON knows it; what is as it is without a word about it is not named."""
    facts = dataclasses.asdict(request)
    quiet = [key for key in _OPTIONAL if facts[key] == _OPTIONAL[key]]
    return {key: value for key, value in facts.items() if key not in quiet}


_OPTIONAL = {"photos_sha256": "", "cutouts_sha256": "", "lens_views": True}


def _words(request: DataRequest) -> str:
    words = f"size {request.height}x{request.width}, {request.frames} frames, seed {request.seed}"
    for kind, digest in (("photos", request.photos_sha256), ("cut-outs", request.cutouts_sha256)):
        words += f", {kind} {digest[:12]}" if digest else f", no {kind}"
    return words if request.lens_views else f"{words}, no lens views"
