"""The record beside a quantized artifact: what it was made of and what it cost, for reports.

Its form is `record.schema.json`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export import Artifact
from bokehflow.export.artifacts.manifest import Manifest
from bokehflow.quantize.held_out import FRAMES, HELD_OUT_KINDS, Limits
from bokehflow.quantize.job import Outcome

SCHEMA_VERSION = 1


def build_record(
    name: str,
    made: Manifest,
    source: Artifact,
    samples: SampleSet,
    outcome: Outcome,
    limits: Limits,
    seconds: float,
) -> dict[str, Any]:
    """Everything that is known when an artifact has been quantized. name: of its file or folder;
    made: its manifest."""
    floats = set(outcome.floats)
    return {
        "schema_version": SCHEMA_VERSION,
        "artifact": _described(name, made),
        "source": _described(source.path.name, source.manifest),
        "recipe": made.precision,
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
        "tools": made.tools,
    }


def _described(name: str, manifest: Manifest) -> dict[str, Any]:
    return {
        "file": name,
        "target": manifest.target,
        "precision": manifest.precision,
        "bytes": manifest.artifact_bytes,
        "sha256": manifest.artifact_sha256,
        "weights_sha256": manifest.weights_sha256,
        "trained": manifest.trained,
    }
