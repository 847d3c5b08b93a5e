"""NNCF's accuracy control, on a small Nano of which three layers are offered."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export import Artifact
from bokehflow.quantize import onnx_format, onnx_int8, openvino_format
from bokehflow.quantize.accuracy import Control, Limits, controlled
from bokehflow.quantize.format import Format
from bokehflow.quantize.held_out import HeldOut
from bokehflow.quantize.nncf_control import search_by_nncf
from bokehflow.runtimes import open_session

pytestmark = pytest.mark.xdist_group("artifacts")

OFFERED = ("network.stem.pointwise", "network.blocks.0.local", "network.bokeh_head.out")
MARGIN_DB = 0.5
"""Beyond what all three in 8 bits reach: one layer less at least has to do."""


def offer_few(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    """Let a module of quantization see no other layers."""
    every = module.layers_of
    monkeypatch.setattr(
        module,
        "layers_of",
        lambda model: {
            name: node for name, node in every(model).items() if name.split("/")[0] in OFFERED
        },
    )


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_it_leaves_in_float_what_the_limits_ask_for(
    target: str,
    artifacts: dict[str, Artifact],
    samples: SampleSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (onnx_format, onnx_int8, openvino_format):
        offer_few(monkeypatch, module)
    form: Format[Any] = (
        onnx_format.OnnxFormat() if target == "onnx" else openvino_format.OpenVinoFormat()
    )
    # Layers that are not offered keep their float weights, as in what NNCF judges.
    monkeypatch.setattr(form, "with_8bit_weights", lambda model: model)
    artifact = artifacts[target]
    held_out = HeldOut(artifact.manifest, open_session(artifact))
    original = form.read(artifact.path)
    feeds = [samples.feeds(i) for i in range(len(samples))]
    quantized = form.with_8bit_layers(original, feeds, len(feeds))
    assert len(form.quantized_layers(quantized)) == len(OFFERED)

    def control(parity_db: float) -> Control[Any]:
        limits = Limits(max_drop_db=10.0, parity_db=parity_db)
        return Control(form, quantized, original, samples, held_out, limits, lambda: None)

    (all_in_8_bits,) = controlled(control(0.0), search_by_nncf)
    wanted = control(all_in_8_bits.loss.parity_db + MARGIN_DB)
    *_, chosen = controlled(wanted, search_by_nncf)
    assert 0 < len(chosen.floats) < len(OFFERED)
    assert wanted.limits.met_by(chosen.loss)
    kept = form.quantized_layers(chosen.model)
    assert sorted([*kept, *chosen.floats]) == sorted(form.quantized_layers(quantized))
