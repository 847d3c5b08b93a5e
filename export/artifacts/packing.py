"""An artifact as one compressed file, as a download or an installer takes it.

Two of the three formats are folders, and half of an OpenVINO artifact is text. A packed artifact
is a plain zip of the artifact, its manifest and the record of its quantization, which any
tool unpacks; `load_artifact` opens it as it is.
"""

from __future__ import annotations

import contextlib
import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from bokehflow.errors import ArtifactError
from bokehflow.export.artifacts.hashing import files_of, is_hidden
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import (
    MANIFEST_SUFFIX,
    files_beside,
    manifest_path,
    record_path,
)
from bokehflow.export.artifacts.staging import always, staged
from bokehflow.path_text import require_text
from bokehflow.regular import require_regular
from bokehflow.temporary import lacks_room, no_room, temporary_place

PACKED_SUFFIX = ".zip"
_NO_DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip knows: the same artifact makes the same file."""
_READABLE_BY_ALL = (stat.S_IFREG | 0o644) << 16
_UNIX = 3
"""Without a mode, and a system to read it by, tools unpack a file for its owner alone."""
MOST_BESIDE_BYTES = 2**24
"""Of a manifest or a record; the longest have some hundred thousand."""
_NO_NAMES = {"", ".", ".."}
"""What the path of a file in a zip may begin with, and no artifact is called."""
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)
"""What reading a zip raises that is damaged, cut short, encrypted or packed in another way, and
what writing its files raises where there is no place for them."""

_unpacked: list[tempfile.TemporaryDirectory[str]] = []
"""Removed when the process ends: what is inside is read until then."""


def packed_path(artifact: Path) -> Path:
    """Where the packed form of an artifact lies, beside it."""
    return artifact.with_name(artifact.name + PACKED_SUFFIX)


def is_packed(path: Path) -> bool:
    """Whether a path names a packed artifact."""
    return path.name.endswith(PACKED_SUFFIX)


def pack(artifact: Path, target: Path, may_replace: Callable[[], object] = always) -> None:
    """Write an artifact, its manifest and its records into the zip `target`, whole or not at all.

    may_replace: as `staged` has it. Raises OutputError where it cannot be written and ArtifactError
    for a file that cannot be read or an artifact with a name that is no text.
    """
    require_text(Path(artifact.name), ArtifactError)
    with staged(target, may_replace) as hidden, zipfile.ZipFile(hidden, "w") as archive:
        for file in [*files_of(artifact), *files_beside(artifact)]:
            member = zipfile.ZipInfo(file.relative_to(artifact.parent).as_posix(), _NO_DATE)
            member.create_system, member.external_attr = _UNIX, _READABLE_BY_ALL
            archive.writestr(member, _content(file), zipfile.ZIP_DEFLATED, compresslevel=9)


def _content(file: Path) -> bytes:
    # Otherwise it would be told as an error of the zip, which can be written.
    try:
        return file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{file} cannot be read ({error})", remedy="export it again") from error


def replace_member(packed: Path, name: str, text: str, may_replace: Callable[[], object]) -> None:
    """Write `text` in place of one file in a zip; all others stay in it, whoever put them there.

    may_replace: as `staged` has it. Raises OutputError where the zip cannot be written.
    """
    with (
        staged(packed, may_replace) as hidden,
        zipfile.ZipFile(packed) as before,
        zipfile.ZipFile(hidden, "w") as archive,
    ):
        archive.comment = before.comment
        for member in before.infolist():
            content = text.encode() if member.filename == name else before.read(member)
            archive.writestr(member, content, compresslevel=9)


def unpack(path: Path) -> Path:
    """The artifact in a packed one, in a folder that lasts as long as this process.

    Raises ArtifactError for what is no zip, or none that holds one artifact with its manifest, and
    OutputError where there is no room for that folder.
    """
    if not path.exists():
        raise ArtifactError(f"no artifact at {path}", remedy="make one with bfx pack")
    require_regular(path, "a file that bfx pack wrote", ArtifactError)
    try:
        folder = tempfile.TemporaryDirectory(prefix="bfx-unpacked-")
        _unpacked.append(folder)
        with zipfile.ZipFile(path) as archive:
            unpacked = Path(folder.name) / _artifact_in(path, archive.namelist())
            _extract_beside(path, archive, unpacked)
            with named_as_given(unpacked, path):
                manifest = read_manifest(manifest_path(unpacked))
            _extract(path, archive, unpacked, manifest.artifact_bytes)
    except _UNREADABLE as error:
        if isinstance(error, OSError) and lacks_room(error):
            raise no_room(error, f"{path} cannot be unpacked in {temporary_place()}") from error
        raise ArtifactError(
            f"{path} cannot be unpacked: {error}", "a file that bfx pack wrote", "pack it again"
        ) from error
    return unpacked


def _extract_beside(path: Path, archive: zipfile.ZipFile, unpacked: Path) -> None:
    """Write the manifest and the record; what they are to unpack to is not to be trusted yet."""
    named = {manifest_path(unpacked).name, record_path(unpacked).name}
    for member in (archive.getinfo(name) for name in named & set(archive.namelist())):
        if member.file_size > MOST_BESIDE_BYTES:
            raise ArtifactError(
                f"{path} holds {member.filename} of {member.file_size} bytes",
                f"at most {MOST_BESIDE_BYTES}",
                "pack it again",
            )
        archive.extract(member, unpacked.parent)


def _extract(path: Path, archive: zipfile.ZipFile, unpacked: Path, wanted_bytes: int) -> None:
    """Write the artifact, if that takes what it is to have: a few bytes of a zip may unpack to more
    than any disk holds."""
    name = unpacked.name
    split = {member: member.split("/") for member in archive.namelist()}
    files = [m for m, (top, *rest) in split.items() if top == name and not is_hidden(Path(*rest))]
    found = sum(archive.getinfo(member).file_size for member in files)
    if found != wanted_bytes:
        raise ArtifactError(
            f"{path / name} has {found} bytes",
            f"{wanted_bytes}, as its manifest says",
            "the artifact was changed or damaged: export it again",
        )
    archive.extractall(unpacked.parent, files)


@contextlib.contextmanager
def dropped_afterwards() -> Iterator[None]:
    """Remove, at the end of the block, the folders of what was unpacked in it."""
    before = len(_unpacked)
    try:
        yield
    finally:
        while len(_unpacked) > before:
            _unpacked.pop().cleanup()


@contextlib.contextmanager
def named_as_given(unpacked: Path, packed: Path | None) -> Iterator[None]:
    """Let an ArtifactError name what a user gave, not the folder that it was unpacked into.

    packed: None for an artifact that was not packed, whose errors stay as they are.
    """
    try:
        yield
    except ArtifactError as error:
        if packed is None:
            raise
        folder = str(unpacked.parent)
        parts = (error.found, error.expected, error.remedy)
        raise ArtifactError(*(part.replace(folder, str(packed)) for part in parts)) from error


def _artifact_in(path: Path, members: list[str]) -> str:
    """The name of the one artifact that stands beside its manifest."""
    top = {member.split("/")[0] for member in members} - _NO_NAMES
    named = [name for name in top if name + MANIFEST_SUFFIX in top]
    if len(named) != 1:
        raise ArtifactError(
            f"{path} holds {len(named)} artifacts with their manifests",
            "one",
            "make it by bfx pack",
        )
    return named[0]
