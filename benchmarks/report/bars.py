"""What is promised of an artifact, and whether this report's figures keep it."""

from __future__ import annotations

from collections.abc import Iterator

from bokehflow.benchmarks.checks import Check, at_least, at_most
from bokehflow.benchmarks.latency.budgets import INT8_FILE_MB
from bokehflow.benchmarks.report.document import FilmScore, Latency, TruthScore
from bokehflow.defaults import TRUTH_LOSS_DB
from bokehflow.export import Manifest

ABS_REL_RATIO = 1.02
TIME_RATIO = 1.0
"""Quantized against the float32 artifact of the same runtime, on OpenVINO."""


def check_bars(
    manifest: Manifest,
    file_bytes: int | None,
    film: FilmScore | None,
    truths: tuple[TruthScore | None, TruthScore | None],
    latency: Latency,
) -> tuple[Check, ...]:
    """Every bar that was answered. file_bytes: of the artifact as it was given, None for none;
    truths: of the artifact and of the reference."""
    found = []
    if film is not None:
        limit = manifest.budget.parity_db
        name = "bokeh against the reference, worst frame, dB"
        found.append(at_least(name, film.worst_bokeh_db, limit))
    if manifest.quantization is not None:
        found += _quantization_bars(manifest, file_bytes, truths, latency)
    return tuple(found)


def _quantization_bars(
    manifest: Manifest,
    file_bytes: int | None,
    truths: tuple[TruthScore | None, TruthScore | None],
    latency: Latency,
) -> Iterator[Check]:
    own, reference = truths
    if own and reference and own.bokeh and reference.bokeh:
        loss = reference.bokeh.overall_psnr_db - own.bokeh.overall_psnr_db
        yield at_most("bokeh lost against truth, dB", loss, TRUTH_LOSS_DB)
    if own and reference and own.depth and reference.depth:
        ratio = own.depth.abs_rel / reference.depth.abs_rel
        yield at_most("AbsRel over the reference's", ratio, ABS_REL_RATIO)
    int8 = manifest.variant == "nano" and manifest.precision.startswith("int8")
    if int8 and file_bytes is not None:
        yield at_most("file, MB", file_bytes / 1e6, INT8_FILE_MB)
    if manifest.target == "openvino" and latency.time_ratio is not None:
        name = "time over float32 on the same runtime"
        yield at_most(name, latency.time_ratio, TIME_RATIO)
