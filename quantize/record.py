"""The record beside a quantized artifact: what it was made of and what it cost, for reports.

Its form is `record.schema.json`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export import Artifact
from bokehflow.export.naming import RECORD_SUFFIX
from bokehflow.export.staging import staged
from bokehflow.quantize.accuracy import Limits
from bokehflow.quantize.held_out import FRAMES, HELD_OUT_KINDS
from bokehflow.quantize.job import Outcome

SCHEMA_VERSION = 1


def record_path(artifact: Path) -> Path:
    """The record beside an artifact."""
    return artifact.with_name(artifact.name + RECORD_SUFFIX)


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a record, whole or not at all. Raises OutputError."""
    with staged(path) as target:
        target.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def build_record(
    made: Artifact,
    source: Artifact,
    samples: SampleSet,
    outcome: Outcome,
    limits: Limits,
    seconds: float,
) -> dict[str, Any]:
    """Everything that is known when an artifact has been quantized."""
    floats = set(outcome.floats)
    return {
        "schema_version": SCHEMA_VERSION,
        "artifact": _described(made),
        "source": _described(source),
        "recipe": made.manifest.precision,
        "seconds": round(seconds, 1),
        "calibration": {
            "sha256": samples.sha256(),
            "samples": len(samples),
            "ranges_from": len(samples) if outcome.ranged is None else outcome.ranged,
            **samples.facts,
        },
        "held_out": {
            "scenes": list(HELD_OUT_KINDS),
            "frames": FRAMES,
            **dataclasses.asdict(outcome.loss),
            "limits": dataclasses.asdict(limits),
            "met": limits.met_by(outcome.loss),
            "search": outcome.search,
            "tried": [
                {"float_layers": tried.floats, **dataclasses.asdict(tried.loss)}
                for tried in outcome.tried
            ],
        },
        "quantized_layers": list(outcome.quantized),
        "layers": [
            {**dataclasses.asdict(noise), "float": noise.layer in floats}
            for noise in outcome.noises
        ],
        "frames": None,
        "scans": None,
        "drift": None,
        "tools": made.manifest.tools,
    }


def _described(artifact: Artifact) -> dict[str, Any]:
    manifest = artifact.manifest
    return {
        "file": artifact.path.name,
        "target": manifest.target,
        "precision": manifest.precision,
        "bytes": manifest.artifact_bytes,
        "sha256": manifest.artifact_sha256,
        "weights_sha256": manifest.weights_sha256,
        "trained": manifest.trained,
    }
