"""A manifest read back, and held to what an artifact can be."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from bokehflow.errors import ArtifactError, InputError, UsageError
from bokehflow.export.artifacts.manifest import FIRST_FRAME_RUNS, SCHEMA_VERSION, Manifest
from bokehflow.export.config import ExportConfig
from bokehflow.export.exportable import require_exportable
from bokehflow.export.lowering.choice import AUTO
from bokehflow.export.targets import Precision, as_target
from bokehflow.optics import require_field_of_view
from bokehflow.regular import require_regular
from bokehflow.signature import STATE_PAIRS, input_specs, output_specs
from bokehflow.specs import TensorSpec, find_variant
from bokehflow.typed_json import typed

_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check each of its values.

    Raises ArtifactError if it is missing, damaged or of another schema, and where a value is of
    another type than its field or does not make sense.
    """
    require_regular(path, "a manifest", ArtifactError)
    try:
        # Editors may begin a text with the mark of its encoding.
        return _from_plain(json.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError as error:
        raise ArtifactError(
            f"no manifest at {path}", "the .json that bfx export wrote beside the artifact"
        ) from error
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror}", "a manifest that may be read"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is not a manifest ({error})", "JSON") from error
    except (InputError, UsageError) as error:
        raise ArtifactError(
            f"{path} is not a whole manifest: {error.found}", error.expected, "export it again"
        ) from error


def _from_plain(facts: Any) -> Manifest:
    found = facts.get("schema_version") if isinstance(facts, dict) else None
    if found != SCHEMA_VERSION:
        raise ArtifactError(f"schema version {reprlib.repr(found)}", str(SCHEMA_VERSION))
    runs = _without_runs(facts)
    manifest: Manifest = typed(Manifest, facts, "")
    where, wanted = f"temporal.{FIRST_FRAME_RUNS}", manifest.temporal.first_runs
    if runs is not None and typed(int, runs, where) != wanted:
        raise ArtifactError(f"{where} is {runs}", str(wanted))
    typed(str, manifest.scan.get("lowering"), "scan.lowering")
    _require_sense(manifest)
    return manifest


def _without_runs(facts: dict[str, Any]) -> Any:
    """Take out what the rest of `temporal` says already, for those who do not know what."""
    temporal = facts.get("temporal")
    return temporal.pop(FIRST_FRAME_RUNS, None) if isinstance(temporal, dict) else None


def _require_sense(manifest: Manifest) -> None:
    """Raises ArtifactError, UsageError or SizeError for a value that no artifact can have."""
    variant, temporal = find_variant(manifest.variant), manifest.temporal
    frame, precision, pairs = manifest.frame_size, manifest.precision, manifest.state_pairs
    require_field_of_view("canonical_fov_deg", manifest.canonical_fov_deg)
    made_with = ExportConfig(
        as_target(manifest.target),
        frame,
        manifest.network_size,
        cast(Precision, manifest.float_precision),
        manifest.lowering,
        manifest.render,
    )
    require_exportable(temporal, made_with)
    named = manifest.quantization.recipe if manifest.quantization else precision
    for name, value, holds, expected in (
        ("precision", precision, precision == named, named),
        ("scan.lowering", AUTO, manifest.lowering != AUTO, "what it came to"),
        ("state_pairs", pairs, pairs == STATE_PAIRS, str(STATE_PAIRS)),
        *(
            (name, value, _SHA256.fullmatch(value), "64 hexadecimal digits")
            for name, value in (
                ("artifact_sha256", manifest.artifact_sha256),
                ("weights_sha256", manifest.weights_sha256),
            )
        ),
    ):
        if not holds:
            raise ArtifactError(f"{name} is {reprlib.repr(value)}", expected)
    _require_tensors("inputs", manifest.inputs, input_specs(variant, frame, temporal.segments))
    _require_tensors("outputs", manifest.outputs, output_specs(variant, frame, temporal.segments))


def _require_tensors(kind: str, found: Sequence[TensorSpec], wanted: Sequence[TensorSpec]) -> None:
    if len(found) != len(wanted):
        raise ArtifactError(f"{kind} has {len(found)} tensors", str(len(wanted)))
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        for name in _facts_of(other):
            given, expected = getattr(one, name), getattr(other, name)
            if given != expected:
                raise ArtifactError(
                    f"{kind}[{number}].{name} is {reprlib.repr(given)}", str(expected)
                )


def _facts_of(spec: TensorSpec) -> tuple[str, ...]:
    """The fields that must be as they are; of a state the layout is a sentence to its reader."""
    facts = ("name", "shape", "dtype", "unit", "value_range")
    is_state = spec.name in STATE_PAIRS or spec.name in STATE_PAIRS.values()
    return facts if is_state else (*facts, "layout")
