"""OpenVINO, for the recipes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.engines.openvino_access import import_openvino, shared_core
from bokehflow.export.openvino_file import MODEL_FILE, write_model
from bokehflow.export.openvino_passes.compact import unpack_halves
from bokehflow.quantize.format import Judge
from bokehflow.quantize.nncf_access import quantized_by_nncf, restored
from bokehflow.quantize.openvino_biases import add_biases_apart
from bokehflow.quantize.openvino_front import front_of, with_rest
from bokehflow.quantize.openvino_graph import (
    eight_bit_layers_of,
    float_weight,
    layers_of,
    store_weights_in_8_bits,
    unquantized_input,
)
from bokehflow.quantize.openvino_guard import check_quantizers
from bokehflow.quantize.openvino_noise import add_noise_outputs, add_scan_outputs
from bokehflow.quantize.openvino_padding import join_instead_of_padding
from bokehflow.runtimes import Session
from bokehflow.runtimes.openvino_session import CompiledSession, OpenVinoSession

_PURPOSE = "quantizing an OpenVINO model"


class OpenVinoFormat:
    """Models in memory; see `format.Format`. Raises MissingDependencyError without OpenVINO."""

    def __init__(self) -> None:
        self._openvino = import_openvino(_PURPOSE)
        self._opset = self._openvino.opset13

    def read(self, path: Path) -> Any:
        """The folder's model, read into memory: the folder may be replaced later.

        Weights are plain constants, however the file stores them; zeros are joined and biases added
        apart, see `openvino_padding` and `openvino_biases`.
        """
        model = shared_core(_PURPOSE).read_model(str(path / MODEL_FILE)).clone()
        unpack_halves(model, self._opset)
        join_instead_of_padding(model, self._opset)
        add_biases_apart(model, self._opset)
        return model

    def with_8bit_weights(self, model: Any) -> Any:
        """By `openvino_graph.store_weights_in_8_bits`."""
        copy = model.clone()
        store_weights_in_8_bits(copy, self._opset)
        return copy

    def with_8bit_layers(self, model: Any, samples: SampleSet) -> Any:
        """By NNCF: a scale a channel for weights, one range a tensor for activations."""
        layers, front = eight_bit_layers_of(model), front_of(model, self._openvino)
        others = [op.friendly_name for op in front.get_ops() if op.friendly_name not in layers]
        quantized = quantized_by_nncf(front, samples, others)
        return with_rest(quantized, model, self._openvino)

    def floats_by_nncf(self, model: Any, samples: SampleSet, judge: Judge) -> list[str]:
        """By `nncf_control.restored`, of the whole model."""
        layers = eight_bit_layers_of(model)
        others = [op.friendly_name for op in model.get_ops() if op.friendly_name not in layers]
        left = restored(model.clone(), samples, others, judge, CompiledSession)
        return sorted(set(layers) - set(check_quantizers(left)))

    def reverted(self, quantized: Any, original: Any, layers: Collection[str]) -> Any:
        """By connecting layers with what they read before, and with their float weights."""
        copy, sources = quantized.clone(), layers_of(original)
        for name, node in layers_of(copy).items():
            if name in layers:
                node.input(0).replace_source_output(unquantized_input(node))
                weight = self._opset.constant(float_weight(sources[name]))
                node.input(1).replace_source_output(weight.output(0))
        return copy

    def quantized_layers(self, model: Any) -> list[str]:
        """Layers behind a quantizer. Raises CheckError for any other reader of one."""
        return check_quantizers(model)

    def with_noise_outputs(self, quantized: Any, original: Any) -> Any:
        """Float twins beside the quantized layers."""
        copy = quantized.clone()
        add_noise_outputs(copy, original, self._opset)
        return copy

    def with_scan_outputs(self, model: Any, original: Any) -> Any:  # noqa: ARG002
        """What the fusion layers read."""
        copy = model.clone()
        add_scan_outputs(copy, self._opset)
        return copy

    def write(self, model: Any, path: Path, metadata: Mapping[str, str]) -> None:
        """`model.xml` and `model.bin`, compacted."""
        path.mkdir()
        write_model(model, path, metadata, round_to_fp16=False)

    def open(self, model: Any, folder: Path) -> Session:
        """In OpenVINO, in single precision."""
        self._openvino.save_model(model, str(folder / MODEL_FILE), compress_to_fp16=False)
        return OpenVinoSession(folder)

    def open_written(self, path: Path) -> Session:
        """In OpenVINO, in single precision."""
        return OpenVinoSession(path)
