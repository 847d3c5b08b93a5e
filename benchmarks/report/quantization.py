"""What a recipe recorded of its artifact: layers by noise, scans, drift, gates, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from bokehflow.benchmarks.report.recorded import (
    DriftPoint,
    Gate,
    LayerInput,
    Quantization,
    RecordedLayer,
    ScanNoise,
    StateGrowth,
)
from bokehflow.benchmarks.results_file import read_record
from bokehflow.errors import InputError
from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import record_path
from bokehflow.quantize.record import SCHEMA_VERSION
from bokehflow.typed_json import typed

T = TypeVar("T")
Record = Mapping[str, Any]
_FOUND_BY = {
    None: "",
    "parts": ", found by the effect of whole parts on a picture",
    "nncf": ", found by NNCF's accuracy control",
}


def recipe_of(artifact: Artifact) -> str | None:
    """The recipe that an artifact was quantized with, None for one that was not."""
    quantization = artifact.manifest.quantization
    return None if quantization is None else quantization.recipe


def quantization_of(artifact: Artifact) -> Quantization | None:
    """What the recipe recorded, None for an artifact that was not quantized.

    An artifact that came without its record says so. Raises InputError for a record that is
    damaged, of another schema or of another artifact.
    """
    if artifact.manifest.quantization is None:
        return None
    path = record_path(artifact.path)
    if not path.exists():
        return Quantization({"record": f"not run: {path.name} does not lie beside the artifact"})
    with read_record(path, SCHEMA_VERSION, "`bfx quantize`", key="schema_version") as record:
        found, expected = record["artifact"]["sha256"], artifact.manifest.artifact_sha256
        if found != expected:
            raise InputError(
                f"{path} is of the artifact {found[:12]}...",
                f"{expected[:12]}...",
                "run `bfx quantize` again",
            )
        return _quantization(record)


def _quantization(record: Record) -> Quantization:
    statistics = record["calibration"]["statistics"]
    return Quantization(
        facts=_facts(record),
        weights_alone=not record["quantized_layers"],
        layers=tuple(
            _made(RecordedLayer, one["layer"], one["sqnr_db"], one["float"])
            for one in record["layers"]
        ),
        scans=tuple(
            _made(ScanNoise, one["layer"], one["sqnr_db"], one["by_direction"], one["by_position"])
            for one in record["scans"] or ()
        ),
        drift=tuple(_made(DriftPoint, **one) for one in record["drift"] or ()),
        gates=tuple(_made(Gate, layer, **shares) for layer, shares in statistics["gates"].items()),
        inputs=tuple(
            _made(LayerInput, layer, one["min"], one["max"], one["rms"], one["outlier_ratio"])
            for layer, one in statistics["layer_inputs"].items()
        ),
        growth=tuple(
            _made(StateGrowth, one["frame"], one["samples"], one["norms"])
            for one in statistics["state_growth"]
        ),
    )


def _made(kind: type[T], *values: Any, **more: Any) -> T:
    """A dataclass of JSON's values. Raises InputError for one of another type, or an empty one."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    given = dict(zip(names, values, strict=False)) | more
    for name, value in given.items():
        if value in ([], {}):
            raise InputError(f"{name} is empty", "a figure at least")
    made: T = typed(kind, given, kind.__name__)
    return made


def _ranges(ranged: int, samples: int) -> str:
    """How many of the samples set the ranges of activations, where not all do."""
    if ranged == samples:
        return ""
    return f", ranges from {ranged} of them" if ranged else ", no ranges of activations"


def _facts(record: Record) -> dict[str, str]:
    calibration, held_out = record["calibration"], record["held_out"]
    limits = held_out["limits"]
    ranged = calibration.get("ranges_from", calibration["samples"])
    facts = {
        "made from": record["source"]["file"],
        "layers in 8 bits": str(len(record["quantized_layers"])),
        "layers left in float": str(sum(one["float"] for one in record["layers"]))
        + _FOUND_BY[held_out.get("search")],
        "time to quantize": f"{record['seconds']:.0f} s",
        "its own check, loss against truth": f"{held_out['drop_db']:.3f} dB of at most "
        f"{limits['max_drop_db']:g} dB, on {', '.join(held_out['scenes'])}",
        "its own check, worst scene against the source": f"{held_out['parity_db']:.1f} dB of at "
        f"least {limits['parity_db']:g} dB",
        "its limits": "met" if held_out["met"] else "NOT met",
        "calibration": f"{calibration['samples']} samples of {calibration['source']}, "
        f"seed {calibration['seed']}" + _ranges(ranged, calibration["samples"]),
        "calibration SHA-256": calibration["sha256"],
    }
    if calibration["left_out"]:
        facts["calibration, left out"] = "; ".join(calibration["left_out"])
    return facts
