"""NNCF's accuracy control, on a tiny network of which three layers are offered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.errors import ArtifactError
from bokehflow.export import Artifact
from bokehflow.quantize import onnx_format, onnx_int8, openvino_format
from bokehflow.quantize.control import Control, controlled
from bokehflow.quantize.format import Format
from bokehflow.quantize.held_out import HeldOut, Limits
from bokehflow.quantize.job import Job
from bokehflow.quantize.nncf_control import chosen_floats, search_by_nncf
from bokehflow.runtimes import open_session
from tests.benchmarks.report.samples import manifest

OFFERED = ("network.fusions.0.to_depth", "network.blocks.0.local", "network.blocks.0.scan.out")
PATCHED: tuple[Any, ...] = (onnx_format, onnx_int8, openvino_format)


def offer_few() -> None:
    """Let quantization see no other layers."""
    for module in PATCHED:
        every = module.eight_bit_layers_of
        module.eight_bit_layers_of = lambda model, every=every: {
            name: node for name, node in every(model).items() if name.split("/")[0] in OFFERED
        }


class FewOnnxLayers(onnx_format.OnnxFormat):
    """Offers few, in whatever process. Others keep their float weights, as in what NNCF judges."""

    def __init__(self) -> None:
        offer_few()

    def with_8bit_weights(self, model: onnx.ModelProto) -> onnx.ModelProto:
        return model


class FewOpenVinoLayers(openvino_format.OpenVinoFormat):
    """The same."""

    def __init__(self) -> None:
        super().__init__()
        offer_few()

    def with_8bit_weights(self, model: Any) -> Any:
        return model


class Dying(onnx_format.OnnxFormat):
    """Its process ends as a segmentation fault ends it."""

    def read(self, path: Path) -> onnx.ModelProto:  # noqa: ARG002
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError


@pytest.mark.parametrize(
    ("target", "make_form"), [("onnx", FewOnnxLayers), ("openvino", FewOpenVinoLayers)]
)
def test_it_leaves_in_float_what_the_limits_ask_for(
    target: str,
    make_form: type[Format[Any]],
    tiny_artifacts: dict[str, Artifact],
    tiny_samples: SampleSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in PATCHED:
        monkeypatch.setattr(
            module, "eight_bit_layers_of", module.eight_bit_layers_of
        )  # to be put back
    artifact, samples, form = tiny_artifacts[target], tiny_samples, make_form()
    held_out = HeldOut(artifact.manifest, open_session(artifact))
    original = form.read(artifact.path)
    quantized = form.with_8bit_layers(original, samples)
    assert len(form.quantized_layers(quantized)) == len(OFFERED)

    def control(parity_db: float) -> Control[Any]:
        limits = Limits(max_drop_db=10.0, parity_db=parity_db)
        job = Job(artifact, samples, held_out, limits, "nncf", lambda: None)
        return Control(form, job, quantized, original)

    (all_in_8_bits,) = controlled(control(0.0), search_by_nncf)
    assert all_in_8_bits.floats == ()
    layers = form.quantized_layers(quantized)
    best_db = max(control(0.0).attempt((layer,)).loss.parity_db for layer in layers)
    assert best_db > all_in_8_bits.loss.parity_db
    # Midway: what all three in 8 bits do not reach, and the costliest alone in float does.
    wanted = control((all_in_8_bits.loss.parity_db + best_db) / 2)
    *_, chosen = controlled(wanted, search_by_nncf)
    assert 0 < len(chosen.floats) < len(OFFERED)
    assert wanted.job.limits.met_by(chosen.loss)
    kept = form.quantized_layers(chosen.model)
    assert sorted([*kept, *chosen.floats]) == sorted(layers)


def asked_for_floats(form: Format[Any]) -> tuple[str, ...]:
    """What NNCF leaves in float of an artifact that it is not to come to."""
    nothing: Any = None
    limits = Limits(0.3, 40.0)
    artifact = Artifact(Path("a.onnx"), manifest())
    job = Job(artifact, nothing, nothing, limits, "nncf", lambda: None)
    return chosen_floats(Control(form, job, nothing, nothing), limits)


UNGUARDED = """
from bokehflow.errors import ArtifactError
from bokehflow.quantize.onnx_format import OnnxFormat
from tests.quantize.test_nncf_control import asked_for_floats

try:
    asked_for_floats(OnnxFormat())
except ArtifactError as error:
    print(error)
"""


def test_a_script_that_cannot_start_another_process_is_told_what_it_lacks(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert "__main__" in done.stdout.splitlines()[-1]


def test_a_process_that_ends_is_told() -> None:
    with pytest.raises(ArtifactError, match=r"NNCF's process ended .* search by parts"):
        asked_for_floats(Dying())
