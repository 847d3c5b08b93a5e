"""ONNX, for the recipes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import onnx

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.quantize.format import Judge, as_written
from bokehflow.quantize.nncf_access import restored
from bokehflow.quantize.onnx_compact import compact
from bokehflow.quantize.onnx_front import front_of, with_rest
from bokehflow.quantize.onnx_graph import copied, eight_bit_layers_of
from bokehflow.quantize.onnx_guard import check_quantizers
from bokehflow.quantize.onnx_int8 import (
    omit_zero_points,
    quantize_layers,
    reverted,
    subtract_biases,
)
from bokehflow.quantize.onnx_noise import with_noise_outputs, with_scan_outputs
from bokehflow.quantize.onnx_weights import quantize_weights
from bokehflow.runtimes import Session
from bokehflow.runtimes.onnxruntime_session import OnnxRuntimeSession
from bokehflow.temporary import temporary_folder


class OnnxFormat:
    """Graphs as protobuf messages; see `format.Format`."""

    def read(self, path: Path) -> onnx.ModelProto:
        """The file's graph."""
        return onnx.load(path)

    def with_8bit_weights(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """By `onnx_weights.quantize_weights`."""
        copy = copied(model)
        quantize_weights(copy)
        return copy

    def with_8bit_layers(self, model: onnx.ModelProto, samples: SampleSet) -> onnx.ModelProto:
        """By NNCF. Raises MissingDependencyError without it."""
        return quantize_layers(model, samples)

    def floats_by_nncf(self, model: onnx.ModelProto, samples: SampleSet, judge: Judge) -> list[str]:
        """By `nncf_control.restored`, of the graph's front: what is judged has the rest again."""
        layers, front = eight_bit_layers_of(model), front_of(model)
        others = [node.name for node in front.graph.node if node.name not in layers]

        def opened(tried: onnx.ModelProto) -> Session:
            return self._opened(with_rest(tried, model))

        left = restored(front, samples, others, judge, opened)
        return sorted(set(layers) - set(check_quantizers(left)))

    def reverted(
        self, quantized: onnx.ModelProto, original: onnx.ModelProto, layers: Collection[str]
    ) -> onnx.ModelProto:
        """By giving nodes the inputs that they had."""
        return reverted(quantized, original, layers)

    def quantized_layers(self, model: onnx.ModelProto) -> list[str]:
        """Products behind a quantizer. Raises CheckError for any other reader of one."""
        return check_quantizers(model)

    def with_noise_outputs(
        self, quantized: onnx.ModelProto, original: onnx.ModelProto
    ) -> onnx.ModelProto:
        """Float twins beside the quantized layers."""
        return with_noise_outputs(quantized, original)

    def with_scan_outputs(
        self, model: onnx.ModelProto, original: onnx.ModelProto
    ) -> onnx.ModelProto:
        """What the fusion layers read."""
        return with_scan_outputs(model, original)

    def write(self, model: onnx.ModelProto, path: Path, metadata: Mapping[str, str]) -> None:
        """One file, compacted, its 8-bit products such that ONNX Runtime computes them so."""
        small = copied(model)
        subtract_biases(small)
        compact(small)
        onnx.helper.set_model_props(small, dict(metadata))
        onnx.checker.check_model(small)
        onnx.save(small, path)

    def open(self, model: onnx.ModelProto, folder: Path) -> Session:
        """In ONNX Runtime."""
        path = folder / "model.onnx"
        onnx.save(model, path)
        return OnnxRuntimeSession(path)

    def open_written(self, path: Path) -> Session:
        """In ONNX Runtime."""
        return OnnxRuntimeSession(path)

    def _opened(self, tried: onnx.ModelProto) -> Session:
        """A session of a graph as NNCF leaves it, which is changed in place."""
        omit_zero_points(tried)
        with temporary_folder() as folder:
            return as_written(self, tried, folder)
