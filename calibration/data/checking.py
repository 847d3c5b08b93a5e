"""Whether a data folder still holds what its manifest says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.hashing import file_sha256
from bokehflow.calibration.data.manifest import Manifest, clip_paths, read_manifest
from bokehflow.errors import InputError


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Paths relative to the folder. damaged: with another hash or unreadable, and why."""

    manifest: Manifest
    good: int
    missing: tuple[str, ...]
    damaged: dict[str, str]
    unlisted: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every listed clip is there, whole and unchanged, and no other."""
        return not (self.missing or self.damaged or self.unlisted)


def check_data(folder: Path) -> DataCheck:
    """Compare every clip with its hash. Raises InputError where there is no readable manifest."""
    manifest = read_manifest(folder)
    missing: list[str] = []
    damaged: dict[str, str] = {}
    for entry in manifest.clips:
        path = folder / entry.path
        if not path.exists():
            missing.append(entry.path)
        elif reason := _damage(path, entry.sha256):
            damaged[entry.path] = reason
    listed = {entry.path for entry in manifest.clips}
    found = [path.relative_to(folder).as_posix() for path in clip_paths(folder)]
    unlisted = tuple(path for path in found if path not in listed)
    good = len(manifest.clips) - len(missing) - len(damaged)
    return DataCheck(manifest, good, tuple(missing), damaged, unlisted)


def _damage(path: Path, sha256: str) -> str:
    """What is wrong with a clip; empty for nothing."""
    try:
        if file_sha256(path) == sha256:
            return ""
        read_clip(path)
    except InputError as error:
        return str(error)
    return "readable, but not the clip that was made"
