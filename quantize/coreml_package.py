"""Core ML packages, for the recipes: which layers there are, and 8-bit activations around them.

coremltools 9.0 quantizes the activations of `conv` and `linear` alone, with ranges of the last
sample only, and on macOS only. Most of this network's layers are `matmul` with a stack of weights,
so quantizers are put in here, with ranges that our evaluator measures on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.quantize.codes import INT8_MAX
from bokehflow.quantize.coreml_front import front_of
from bokehflow.quantize.guard import reached_layers
from bokehflow.quantize.layers import is_quantizable_constant
from bokehflow.runtimes.mil_evaluator import Evaluator, Program
from bokehflow.runtimes.mil_evaluator.program import Operation, Variable

WEIGHT_INPUTS = {"conv": "weight", "linear": "weight", "matmul": "y"}
_IOS17 = 8
"""Specification version of iOS 17, the first with 8-bit activations."""


def layer_operations(program: Any) -> Iterator[tuple[Any, str]]:
    """The operations of a coremltools program that may be quantized, each with its constant."""
    for op in program.functions["main"].operations:
        if op.op_type in WEIGHT_INPUTS:
            weight = op.inputs[WEIGHT_INPUTS[op.op_type]].op
            if weight is not None and is_quantizable_constant(weight.name):
                yield op, weight.name


def largest_magnitudes(
    program: Program, names: Sequence[str], samples: SampleSet, indices: Sequence[int]
) -> dict[str, float]:
    """The largest magnitude that each named value reaches, by evaluating some of the samples."""
    evaluator = Evaluator(front_of(program, names))
    wanted, found = set(names), dict.fromkeys(names, 0.0)

    def observe(_: Operation, variable: Variable, value: Tensor) -> None:
        if variable.name in wanted:
            found[variable.name] = max(found[variable.name], float(value.abs().max()))

    for index in indices:
        evaluator.run(samples.feeds(index), observe=observe)
    return found


def with_quantized_inputs(model: Any, magnitudes: Mapping[str, float]) -> Any:
    """A copy of a package whose layers read 8-bit values, symmetric, one scale a tensor.

    magnitudes: of every value that a layer reads, by name.
    """
    from coremltools.converters.mil.mil.passes.graph_pass import AbstractGraphPass
    from coremltools.models.utils import _apply_graph_pass

    class InsertQuantizers(AbstractGraphPass):  # type: ignore[misc]
        def apply(self, prog: Any) -> None:
            insert_quantizers(prog, magnitudes)

    return _apply_graph_pass(model, InsertQuantizers(), spec_version=_IOS17, skip_model_load=True)


def insert_quantizers(program: Any, magnitudes: Mapping[str, float]) -> None:
    """Put `quantize` and `dequantize` before every layer, once for a value that several read."""
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import types

    block = program.functions["main"]
    done: dict[str, Any] = {}
    with block:
        for op, _ in list(layer_operations(program)):
            x = op.inputs["x"]
            if x.name not in done:
                dtype = np.float16 if x.dtype == types.fp16 else np.float32
                # A value that is zero on every sample keeps any scale; 1 is as good as another.
                scale = dtype((magnitudes[x.name] or INT8_MAX) / INT8_MAX)
                codes = Builder.quantize(input=x, scale=scale, output_dtype="int8", before_op=op)
                done[x.name] = Builder.dequantize(input=codes, scale=scale, before_op=op)
            _read_instead(block, op, done[x.name])


def _read_instead(block: Any, op: Any, x: Any) -> None:
    """Make a layer read another value. Inputs cannot be exchanged, so the layer is made anew."""
    from coremltools.converters.mil import Builder

    inputs = {name: value for name, value in op.inputs.items() if value is not None}
    made = getattr(Builder, op.op_type)(**{**inputs, "x": x}, name=op.name, before_op=op)
    made.name = op.outputs[0].name
    block.replace_uses_of_var_after_op(anchor_op=op, old_var=op.outputs[0], new_var=made)
    block.remove_ops([op])


def check_quantizers(program: Any) -> list[str]:
    """The constants of layers that read 8-bit values, sorted. Raises what `reached_layers` does."""
    layers = {id(op): name for op, name in layer_operations(program)}
    operations = program.functions["main"].operations
    return reached_layers(
        [op for op in operations if op.op_type == "dequantize"],
        set(layers.values()),
        lambda op: op.outputs[0].child_ops,
        lambda op: (layers.get(id(op), op.name), op.op_type),
    )
