"""SHA-256 of a file or of a whole folder."""

from __future__ import annotations

import hashlib
from pathlib import Path


def artifact_sha256(path: Path) -> str:
    """Hash of a file's bytes, or of a folder's relative paths and bytes in the order of names."""
    if path.is_file():
        return _file_sha256(path).hexdigest()
    digest = hashlib.sha256()
    for file in files_of(path):
        digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        digest.update(_file_sha256(file).digest())
    return digest.hexdigest()


def artifact_bytes(path: Path) -> int:
    """Size on disk of a file or of all files in a folder."""
    return sum(file.stat().st_size for file in files_of(path))


def files_of(path: Path) -> list[Path]:
    """A file itself, or all files in a folder in the order of their names.

    Names that begin with a dot are none of ours: systems put them into any folder that they show.
    """
    if path.is_file():
        return [path]
    files = (file for file in path.rglob("*") if file.is_file())
    return sorted(file for file in files if not is_hidden(file.relative_to(path)))


def is_hidden(inside: Path) -> bool:
    """Whether a path within an artifact's folder is none of ours."""
    return any(part.startswith(".") for part in inside.parts)


def _file_sha256(path: Path) -> hashlib._Hash:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
