"""NNCF's accuracy control, on a small Nano of which three layers are offered."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bokehflow.calibration.sample_set import SampleSet, load_samples
from bokehflow.export import Artifact, load_artifact
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


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_it_leaves_in_float_what_the_limits_ask_for(
    target: str, artifacts: dict[str, Artifact], samples: SampleSet, tmp_path: Path
) -> None:
    samples.save(tmp_path / "samples.npz")
    # In a process of its own, as the command has one: what NNCF's control leaves behind for
    # OpenVINO has ended processes that trained a network later on.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(check, target, artifacts[target].path, tmp_path / "samples.npz").result()


def check(target: str, path: Path, samples_path: Path) -> None:
    """The test, where nothing comes after it."""
    for module in (onnx_format, onnx_int8, openvino_format):
        offer_few(module)
    form: Any = onnx_format.OnnxFormat() if target == "onnx" else openvino_format.OpenVinoFormat()
    # Layers that are not offered keep their float weights, as in what NNCF judges.
    form.with_8bit_weights = lambda model: model
    judge_search(form, load_artifact(path), load_samples(samples_path))


def offer_few(module: ModuleType) -> None:
    """Let a module of quantization see no other layers."""
    every: Any = module.layers_of
    module.layers_of = lambda model: {  # type: ignore[attr-defined]
        name: node for name, node in every(model).items() if name.split("/")[0] in OFFERED
    }


def judge_search(form: Format[Any], artifact: Artifact, samples: SampleSet) -> None:
    """Ask for a little more than all layers in 8 bits keep, and for no more than they do."""
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
