"""The recipes of formats that keep layers as nodes of a graph: ONNX and OpenVINO."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

from bokehflow.quantize.control import Attempt, Control, controlled, measured
from bokehflow.quantize.format import Format, M
from bokehflow.quantize.frame_noise import frame_noise
from bokehflow.quantize.job import Job, Outcome, Tried
from bokehflow.quantize.layer_noise import rank_layers
from bokehflow.quantize.layers import LayerNoise
from bokehflow.quantize.nncf_control import search_by_nncf
from bokehflow.quantize.part_search import search_parts

SEARCHES = {"parts": search_parts, "nncf": search_by_nncf}
"""How layers to leave in float are searched for; the first is the default."""


def weights_in_8_bits(form: Format[M], job: Job) -> Outcome:
    """Weights alone."""
    original = form.read(job.artifact.path)
    model = form.with_8bit_weights(original)
    noises = rank_layers(form, model, original, job.samples)
    job.advance()
    attempts = [Attempt(model, (), measured(form, model, job.held_out))]
    return dataclasses.replace(_outcome(form, job, original, attempts, noises), ranged=0)


def layers_in_8_bits(form: Format[M], job: Job) -> Outcome:
    """Every layer that may be quantized."""
    original, quantized, noises = _quantized(form, job)
    model = form.with_8bit_weights(quantized)
    attempts = [Attempt(model, (), measured(form, model, job.held_out))]
    return _outcome(form, job, original, attempts, noises)


def mixed(form: Format[M], job: Job) -> Outcome:
    """As many layers as the limits allow; the others keep 8-bit weights."""
    original, quantized, noises = _quantized(form, job)
    control = Control(form, job, quantized, original)
    attempts = controlled(control, SEARCHES[job.search])
    return _outcome(form, job, original, attempts, noises)


def _quantized(form: Format[M], job: Job) -> tuple[M, M, list[LayerNoise]]:
    original = form.read(job.artifact.path)
    quantized = form.with_8bit_layers(original, job.samples)
    job.advance()
    noises = rank_layers(form, quantized, original, job.samples)
    job.advance()
    return original, quantized, noises


def _outcome(
    form: Format[M],
    job: Job,
    original: M,
    attempts: Sequence[Attempt[M]],
    noises: Sequence[LayerNoise],
) -> Outcome:
    """The last attempt, once nothing but layers is found to be quantized in it."""
    chosen = attempts[-1]
    return Outcome(
        write=partial(form.write, chosen.model),
        loss=chosen.loss,
        quantized=tuple(form.quantized_layers(chosen.model)),
        floats=chosen.floats,
        search=job.search if len(attempts) > 1 else None,
        noises=tuple(noises),
        tried=tuple(Tried(len(attempt.floats), attempt.loss) for attempt in attempts),
        along_video=partial(
            frame_noise, form, chosen.model, original, job.artifact.manifest, job.advance
        ),
    )
