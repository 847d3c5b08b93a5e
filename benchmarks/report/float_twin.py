"""Which float32 artifact another one is compared with: the one it was made from, or its like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bokehflow.benchmarks.latency.record import COMPUTED, artifact_facts
from bokehflow.export import Manifest

EXACT = "fp32"
ALIKE = (*COMPUTED, "target", "scan")
"""Facts in which an artifact and its twin agree."""


def float_twin(manifest: Manifest, others: Iterable[Mapping[str, Any]]) -> str | None:
    """The SHA-256 of the twin of an artifact, which is not in float32 itself.

    others: `artifact_facts`, or those of a record. One that lacks a fact, as older records do, is
    no twin but by its hash.
    """
    own = artifact_facts(manifest)
    if own["precision"] == EXACT:
        return None
    exact = [other for other in others if other["precision"] == EXACT]
    source = manifest.quantization.source_sha256 if manifest.quantization else None
    made_from = [other for other in exact if other["sha256"] == source]
    alike = [other for other in exact if all(other.get(fact) == own[fact] for fact in ALIKE)]
    return next((str(other["sha256"]) for other in (*made_from, *alike)), None)
