"""An artifact on disk with its manifest: written together, read together, checked by hash."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bokehflow.atomic import output_errors
from bokehflow.errors import ArtifactError, OutputError, UsageError
from bokehflow.export.artifacts.hashing import artifact_bytes, artifact_sha256
from bokehflow.export.artifacts.inner_facts import require_inner_facts
from bokehflow.export.artifacts.manifest import Manifest, Parity
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import (
    artifact_path,
    files_beside,
    manifest_path,
    record_path,
    target_by_ending,
)
from bokehflow.export.artifacts.packing import (
    dropped_afterwards,
    is_packed,
    named_as_given,
    replace_member,
    unpack,
)
from bokehflow.export.artifacts.replacing import require_place
from bokehflow.export.artifacts.staging import always, staged, staged_together
from bokehflow.json_text import json_text


@dataclass(frozen=True, slots=True)
class Artifact:
    """An exported model: the file or folder, and what its manifest says of it.

    packed: the zip that it was unpacked from, None where it lies unpacked.
    """

    path: Path
    manifest: Manifest
    packed: Path | None = None

    @property
    def given(self) -> Path:
        """What a user named: the packed artifact, where it is one."""
        return self.packed or self.path

    @property
    def file_bytes(self) -> int:
        """Size on disk of what was given."""
        return artifact_bytes(self.given)

    def require_apart(self, output: Path) -> None:
        """Raise UsageError for an output that would write over the artifact or into its folder, or
        into another artifact's.

        Raises OutputError for one that cannot be looked up.
        """
        own = [self.given, *files_beside(self.path)]
        with output_errors(output):
            places = [path for path in (output, *output.resolve().parents) if path.exists()]
            if any(place.samefile(path) for place in places for path in own):
                raise UsageError(
                    f"the output {output} would write over {self.given} or what lies beside it",
                    "a path of its own",
                    "choose another with -o",
                )
        require_outside(output)

    def with_parity(self, parity: Parity | None) -> Artifact:
        """The same artifact with a measured parity, written into its manifest.

        parity: None where what was measured before no longer holds. Raises OutputError where the
        manifest, or the zip that it lies in, cannot be written, and where the artifact has become
        another since it was opened.
        """
        measured = dataclasses.replace(self.manifest_now(), parity=parity)
        beside = manifest_path(self.path)
        if self.packed is not None:
            replace_member(self.packed, beside.name, measured.to_json(), self.manifest_now)
        else:
            with staged(beside, self.manifest_now) as target:
                target.write_text(measured.to_json(), encoding="utf-8")
        return dataclasses.replace(self, manifest=measured)

    def manifest_now(self) -> Manifest:
        """The manifest as it is by now: long work takes minutes, in which others may export.

        Raises OutputError where the artifact has become another since it was opened.
        """
        try:
            with dropped_afterwards():
                manifest = load_artifact(self.given).manifest
        except ArtifactError as error:
            raise OutputError(f"{self.given} has changed: {error.found}") from error
        if manifest.artifact_sha256 != self.manifest.artifact_sha256:
            raise OutputError(
                f"{self.given} was exported again in the meantime",
                "what was opened",
                "run the same command again",
            )
        return manifest


def require_outside(output: Path) -> None:
    """Raise UsageError for an output in the folder of an artifact, which it would spoil.

    Raises OutputError for one that cannot be looked up.
    """
    with output_errors(output):
        place = output.resolve()
        for folder in (place, *place.parents):
            if _is_artifact(folder):
                raise UsageError(
                    f"the output {output} lies in the artifact {folder}, and would damage it",
                    "a path of its own",
                    "choose another with -o",
                )


def _is_artifact(folder: Path) -> bool:
    """Whether this is a folder with a manifest beside it; other folders have a namesake too."""
    if not (folder.name and folder.is_dir() and manifest_path(folder).is_file()):
        return False
    try:
        read_manifest(manifest_path(folder))
    except ArtifactError:
        return False
    return True


def target_of(path: Path) -> str | None:
    """What an artifact is for, as its manifest says or, without one, its name's ending.

    None for neither. Raises ArtifactError for a manifest that cannot be read.
    """
    beside = manifest_path(path)
    return read_manifest(beside).target if beside.is_file() else target_by_ending(path)


def seal(
    path: Path,
    manifest: Manifest,
    write: Callable[[Path], object],
    record: Callable[[Manifest], Mapping[str, object]] | None = None,
    may_replace: Callable[[], object] = always,
) -> Artifact:
    """Have an artifact written; it and its manifest appear together, and the record of its
    quantization where it has one. Returns what was written, whatever others write there since.

    write: is given the path to write the artifact to. The manifest gets the artifact's hash and
    size. record: what the record says, by the manifest when it has them. may_replace: as `staged`
    has it. After an exception none is touched. Raises what `require_place` raises, also for what
    came there meanwhile.
    """
    require_place(path, manifest)
    recorded = [] if record is None else [record_path(path)]
    targets = (path, manifest_path(path), *recorded)

    def may_still_replace() -> None:
        may_replace()
        require_place(path, manifest)

    with staged_together(*targets, may_replace=may_still_replace) as places:
        target, beside, *record_places = places
        write(target)
        complete = dataclasses.replace(
            manifest,
            artifact_sha256=artifact_sha256(target),
            artifact_bytes=artifact_bytes(target),
        )
        beside.write_text(complete.to_json(), encoding="utf-8")
        complete = read_manifest(beside)
        if record is not None:
            record_places[0].write_text(json_text(record(complete)) + "\n", encoding="utf-8")
    return Artifact(path, complete)


def load_artifact(path: Path) -> Artifact:
    """Open an artifact by its own path, its manifest's or that of its packed form; check its hash.

    Raises ArtifactError where one is missing or cannot be read, or they do not belong together.
    """
    if is_packed(path):
        unpacked = unpack(path)
        with named_as_given(unpacked, path):
            return dataclasses.replace(load_artifact(unpacked), packed=path)
    path = artifact_path(path)
    try:
        if not path.exists():
            raise ArtifactError(f"no artifact at {path}", remedy="make one with bfx export")
        manifest = read_manifest(manifest_path(path))
        found = artifact_sha256(path)
    except OSError as error:
        raise ArtifactError(
            f"{error.filename or path} cannot be read: {error.strerror}",
            "an artifact that may be read",
        ) from error
    if found != manifest.artifact_sha256:
        raise ArtifactError(
            f"{path} has SHA-256 {found[:12]}...",
            f"{manifest.artifact_sha256[:12]}..., as its manifest says",
            "the artifact was changed or damaged: export it again",
        )
    require_inner_facts(path, manifest)
    size = artifact_bytes(path)
    if size != manifest.artifact_bytes:
        raise ArtifactError(
            f"the manifest of {path} says {manifest.artifact_bytes} bytes",
            f"{size}, as it has",
            "export it again",
        )
    return Artifact(path, manifest)
