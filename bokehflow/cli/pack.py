"""`bfx pack`: artifacts as single compressed files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import Artifacts
from bokehflow.cli.terminal import text_table
from bokehflow.errors import UsageError

if TYPE_CHECKING:
    from bokehflow.export import Artifact

COLUMNS = ("packed", "bytes", "artifact's bytes")


def pack(
    artifacts: Artifacts,
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="[default: beside each artifact]")
    ] = None,
) -> CommandResult:
    """Pack each artifact into one zip, as a download takes it, with its manifest and records.

    Commands that read artifacts read packed ones too, and any tool unpacks them: the files that
    OpenVINO and Core ML read lie inside as they were.
    """
    from bokehflow.atomic import output_folder
    from bokehflow.export import load_artifact
    from bokehflow.export.artifacts.packing import pack as write_packed

    loaded = [load_artifact(path) for path in artifacts]
    done = []
    for artifact, target in zip(loaded, _targets(loaded, output_dir), strict=True):
        with output_folder(target.parent):
            write_packed(artifact.path, target, artifact.manifest_now)
        done.append(
            {
                "packed": str(target),
                "packed_bytes": target.stat().st_size,
                "artifact": str(artifact.path),
                "bytes": artifact.file_bytes,
            }
        )
    rows = [(d["packed"], f"{d['packed_bytes']:,}", f"{d['bytes']:,}") for d in done]
    return CommandResult({"artifacts": done}, text_table(COLUMNS, rows))


def _targets(loaded: Sequence[Artifact], output_dir: Path | None) -> list[Path]:
    """Where each goes.

    Raises UsageError for one that is packed, for two of one name and for a place inside one.
    """
    from bokehflow.export.artifacts.packing import packed_path

    for artifact in loaded:
        if artifact.packed is not None:
            raise UsageError(f"{artifact.packed} is packed already", "an artifact that is not")
    beside = [packed_path(artifact.path) for artifact in loaded]
    targets = [(output_dir or path.parent) / path.name for path in beside]
    twice = [path for path in targets if targets.count(path) > 1]
    if twice:
        raise UsageError(f"two artifacts for {twice[0]}", "one of each name in a folder")
    for artifact, target in itertools.product(loaded, targets):
        artifact.require_apart(target)
    return targets
