"""A quantized ML Program that also measures, as `onnx_noise` does for ONNX."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from bokehflow.quantize.coreml_front import front_of
from bokehflow.quantize.layers import NOISE, SIGNAL
from bokehflow.runtimes.mil_evaluator import Operation, Program, Reference, Variable
from bokehflow.runtimes.mil_evaluator.program import Binding

QUANTIZERS = ("quantize", "dequantize")


def with_noise_outputs(quantized: Program, original: Program, layers: Mapping[str, str]) -> Program:
    """The quantized program up to its last layer, with two numbers a layer as its only outputs:
    NOISE and SIGNAL and the layer's name, scalars in float32.

    Beside every layer stands its float form, on the same unquantized inputs and rounded to the
    dtype that the original declares; SIGNAL is the sum of squares of what that gives, NOISE of the
    difference from it. A layer that nothing was done to has none.
    layers: by the name of a layer's result, alike in both programs, what to call the layer.
    """
    sources = {op.results[0].name: op for op in original.operations}
    makers = {result.name: op for op in quantized.operations for result in op.results}
    operations, outputs = list[Operation](), list[str]()
    for op in quantized.operations:
        operations.append(op)
        layer = layers.get(op.results[0].name)
        if layer is not None:
            measuring = _measuring(op, sources[op.results[0].name], layer, makers)
            operations += measuring
            outputs += [added.results[0].name for added in measuring[-2:]]
    return front_of(dataclasses.replace(quantized, operations=tuple(operations)), outputs)


def _measuring(
    op: Operation, source: Operation, layer: str, makers: Mapping[str, Operation]
) -> list[Operation]:
    """The float form of a layer, its difference from the quantized one, and the two powers; none
    for a layer that is as it was."""
    read = op.inputs["x"]
    assert isinstance(read, Reference), "a layer of constants alone"
    x = _unquantized(read, makers)
    if x == read and _same_constants(op, source):
        return []
    declared = source.results[0]
    twin = Variable(f"{layer}.float", declared.shape, declared.dtype)
    error = Variable(f"{layer}.error", declared.shape, torch.float32)
    operands = {"x": Reference(op.results[0].name), "y": Reference(twin.name)}
    return [
        Operation(source.kind, {**source.inputs, "x": x}, (twin,)),
        Operation("sub", operands, (error,)),
        _power(error, f"{NOISE}{layer}"),
        _power(twin, f"{SIGNAL}{layer}"),
    ]


def _power(value: Variable, name: str) -> Operation:
    inputs: dict[str, Binding] = {"x": Reference(value.name), "keep_dims": torch.tensor(False)}
    return Operation("reduce_sum_square", inputs, (Variable(name, (), torch.float32),))


def _unquantized(x: Reference, makers: Mapping[str, Operation]) -> Reference:
    """What a layer reads, less the quantizer in between."""
    while x.name in makers and makers[x.name].kind in QUANTIZERS:
        source = makers[x.name].inputs["input"]
        assert isinstance(source, Reference), "a quantized constant"
        x = source
    return x


def _same_constants(layer: Operation, source: Operation) -> bool:
    """Whether a layer has the weights that it had."""
    return all(
        torch.equal(bound, source.inputs[name])  # type: ignore[arg-type]
        for name, bound in layer.inputs.items()
        if isinstance(bound, Tensor)
    )
