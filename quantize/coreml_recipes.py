"""The recipes of Core ML: 8-bit weights, a palette of 64 values, 8-bit weights and activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bokehflow.engines.coremltools_access import load_program, passes_only, quiet_coremltools
from bokehflow.quantize.coreml_noise import with_noise_outputs
from bokehflow.quantize.coreml_package import (
    check_quantizers,
    largest_magnitudes,
    layer_operations,
    with_quantized_inputs,
)
from bokehflow.quantize.job import Job, Outcome, Tried
from bokehflow.quantize.layer_noise import ranked, spread
from bokehflow.quantize.layers import LayerNoise
from bokehflow.runtimes.coreml_session import CoreMLSession
from bokehflow.runtimes.mil_evaluator import Evaluator, Program, program_of
from bokehflow.temporary import temporary_folder

EVALUATED_SAMPLES = 16
"""Samples whose ranges are measured: the evaluator is far slower than an engine."""
SMALLEST_WEIGHT = 256
"""Elements from which on a weight is compressed; smaller ones cost nothing to keep."""
PALETTE_BITS = 6
_PURPOSE = "quantizing a Core ML package"


def weights_in_8_bits(job: Job) -> Outcome:
    """Weights alone, one scale a channel."""
    return _compressed(job, _linear)


def weights_in_palette(job: Job) -> Outcome:
    """Weights alone, each one of 64 values that are chosen for its tensor."""
    return _compressed(job, _palette)


def weights_and_activations_in_8_bits(job: Job) -> Outcome:
    """Both, with activation ranges from the evaluator."""
    with quiet_coremltools(_PURPOSE) as coremltools, passes_only():
        model = _opened(coremltools, job.artifact.path)
        loaded = load_program(model)
        operations, source = list(layer_operations(loaded)), program_of(loaded)
        read = sorted({op.inputs["x"].name for op, _ in operations})
        indices = spread(len(job.samples), EVALUATED_SAMPLES)
        magnitudes = largest_magnitudes(source, read, job.samples, indices)
        job.advance()
        quantized = with_quantized_inputs(model, magnitudes)
        small = _linear(coremltools, quantized, [name for _, name in operations])
    job.advance()
    return _outcome(job, small, source, ranged=len(indices))


def _compressed(job: Job, compress: Callable[[Any, Any, list[str]], Any]) -> Outcome:
    with quiet_coremltools(_PURPOSE) as coremltools, passes_only():
        model = _opened(coremltools, job.artifact.path)
        loaded = load_program(model)
        names, source = [name for _, name in layer_operations(loaded)], program_of(loaded)
        small = compress(coremltools, model, names)
    job.advance()
    return _outcome(job, small, source, ranged=0)


def _linear(coremltools: Any, model: Any, names: list[str]) -> Any:
    optimize = coremltools.optimize.coreml
    config = optimize.OpLinearQuantizerConfig(
        mode="linear_symmetric", weight_threshold=SMALLEST_WEIGHT
    )
    configs = optimize.OptimizationConfig(op_name_configs=dict.fromkeys(names, config))
    return optimize.linear_quantize_weights(model, configs)


def _palette(coremltools: Any, model: Any, names: list[str]) -> Any:
    optimize = coremltools.optimize.coreml
    config = optimize.OpPalettizerConfig(
        mode="kmeans", nbits=PALETTE_BITS, weight_threshold=SMALLEST_WEIGHT
    )
    configs = optimize.OptimizationConfig(op_name_configs=dict.fromkeys(names, config))
    return optimize.palettize_weights(model, configs)


def _opened(coremltools: Any, path: Path) -> Any:
    return coremltools.models.MLModel(str(path), skip_model_load=True)


def _outcome(job: Job, model: Any, source: Program, ranged: int) -> Outcome:
    """Check and measure a package that is still in memory. source: the program that it was made
    of; ranged: as `Outcome` has it."""
    with temporary_folder() as folder, quiet_coremltools(_PURPOSE):
        path = folder / "model.mlpackage"
        _write(model, path, {})
        loaded = load_program(model)
        quantized = check_quantizers(loaded)
        noises = _noises(job, loaded, source)
        job.advance()
        loss = job.held_out.loss(CoreMLSession(path))
    return Outcome(
        partial(_write, model),
        loss,
        tuple(quantized),
        noises=tuple(noises),
        tried=(Tried(0, loss),),
        ranged=ranged,
    )


def _noises(job: Job, loaded: Any, source: Program) -> list[LayerNoise]:
    """Every layer's own noise in what coremltools read, beside what it was made of, the noisiest
    first. Layers are called as `check_quantizers` calls them."""
    layers = {op.outputs[0].name: name for op, name in layer_operations(loaded)}
    measuring = with_noise_outputs(program_of(loaded), source, layers)
    evaluator = Evaluator(measuring)
    return ranked(evaluator.run, job.samples)


def _write(model: Any, path: Path, metadata: Mapping[str, str]) -> None:
    with quiet_coremltools(_PURPOSE):
        model.user_defined_metadata.update(metadata)
        model.save(str(path))
