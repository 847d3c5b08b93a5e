"""Conversion: names, metadata, precision by choice, errors, and what coremltools gets wrong."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.errors import ArtifactError, MissingDependencyError, OutputError, UsageError
from bokehflow.export.artifacts.staging import staged
from bokehflow.export.to_coreml import to_coreml
from bokehflow.layers.conditioning import blur_radius_map, mean_blur_percent
from bokehflow.optics import Lens
from bokehflow.runtimes.mil_evaluator import Evaluator, read_package
from tests.tolerances import (
    CANCELLED_REL,
    FEW_HALVES,
    FEW_OPERATIONS,
    FP32_EQUAL,
    HALF_RADIUS_PX,
    MIL_FP16_REL,
)


class Sharpen(nn.Module):
    """A submodule whose sum is lost in float16, and an input of large numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = Fine()

    def forward(self, image: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        gain = (lens * lens / (lens * 1000.0)).sum()
        return self.fine(image), image * gain


class Fine(nn.Module):
    """x again, if 1 + x keeps its digits."""

    def forward(self, x: Tensor) -> Tensor:
        return (1.0 + x) - 1.0


IMAGE = torch.full((1, 1, 2, 3), 1e-4)
LENS = torch.tensor([[400.0, 300.0]])
"""Squared, both leave the range of float16."""


def evaluate(path: Path, image: Tensor = IMAGE, lens: Tensor = LENS) -> dict[str, np.ndarray]:
    feeds = {"image": image.numpy(), "lens": lens.numpy()}
    return Evaluator(read_package(path)).run(feeds)


def convert(
    path: Path, precision: Literal["fp16", "fp32"], *kept_inputs: str
) -> dict[str, np.ndarray]:
    names = ["image", "lens"], ["fine", "lit"]
    to_coreml(Sharpen(), (IMAGE, LENS), *names, path, precision, {}, kept_inputs)
    return evaluate(path)


def test_what_is_kept_in_float32_is_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    full, half = convert(path, "fp32"), convert(path, "fp16")
    source = convert(path, "fp16", "lens")
    np.testing.assert_allclose(full["fine"], 1e-4, rtol=CANCELLED_REL)
    np.testing.assert_allclose(full["lit"], 0.7e-4, rtol=FP32_EQUAL)
    assert (half["fine"] == 0.0).all()
    assert not np.isfinite(half["lit"]).any()
    assert (source["fine"] == 0.0).all()
    np.testing.assert_allclose(source["lit"], 0.7e-4, rtol=MIL_FP16_REL)


def test_the_lens_is_kept_in_float32_without_asking(tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    names = ["image", "lens"], ["fine", "lit"]
    to_coreml(Sharpen(), (IMAGE, LENS), *names, path, "fp16", {})
    np.testing.assert_allclose(evaluate(path)["lit"], 0.7e-4, rtol=MIL_FP16_REL)


class Radius(nn.Module):
    """The blur radius alone, and its mean."""

    def forward(self, inverse_depth: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        radius_px = blur_radius_map(inverse_depth, lens, WIDTH_PX)
        return radius_px, mean_blur_percent(radius_px)


WIDTH_PX = 1280


def test_no_lens_leaves_half_precision(tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    inverse_depth = torch.linspace(0.005, 10.0, 64 * WIDTH_PX).reshape(1, 1, 64, WIDTH_PX)
    example = (inverse_depth, torch.tensor([Lens().as_tuple()]))
    to_coreml(Radius(), example, ["image", "lens"], ["radius", "mean"], path, "fp16", {})
    for lens in (
        Lens(50.0, 1.8, 3.0),
        Lens(50.0, 1.8, 3e4),
        Lens(50.0, 1.8, 1e9),
        Lens(50.0, 1.8, 0.050001),
        Lens(600.0, 0.95, 0.61),
        Lens(1e-3, 2.0, 1e-5, 1.0),
    ):
        found = evaluate(path, inverse_depth, torch.tensor([lens.as_tuple()]))
        exact = lens.signed_radius_px(inverse_depth.double().numpy(), WIDTH_PX)
        exact = exact.clip(-WIDTH_PX, WIDTH_PX)
        # Half precision knows the inverse depth to so much, and the lens makes pixels of it.
        slope = lens.signed_radius_px(1.0, WIDTH_PX) - lens.signed_radius_px(0.0, WIDTH_PX)
        uncertain = FEW_HALVES * (slope * inverse_depth.numpy() + abs(exact)) + HALF_RADIUS_PX
        assert (abs(found["radius"] - exact) <= uncertain).all()
        mean_px = found["mean"].item() * WIDTH_PX / 100.0
        assert mean_px == pytest.approx(abs(exact).mean(), rel=FEW_HALVES, abs=HALF_RADIUS_PX)


class Corners(nn.Module):
    """What torch makes of it is known to be converted wrongly, or not at all."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        everything = x[:, :, : x.shape[2]]
        return 1.0 / x, everything + x


def test_small_reciprocals_and_whole_slices(tmp_path: Path) -> None:
    # coremltools makes 1 / x into 1 / (x + 1e-4), which at a kilometre is 90 m.
    x = torch.tensor([0.001, 0.01, 1.0]).reshape(1, 1, 3)
    path = tmp_path / "m.mlpackage"
    to_coreml(Corners(), (x,), ["x"], ["inverse", "twice"], path, "fp32", {})
    outputs = Evaluator(read_package(path)).run({"x": x.numpy()})
    np.testing.assert_allclose(
        outputs["inverse"].ravel(), [1000.0, 100.0, 1.0], rtol=FEW_OPERATIONS
    )
    np.testing.assert_allclose(outputs["twice"], 2.0 * x.numpy(), rtol=FEW_OPERATIONS)


def test_metadata_and_types_are_in_the_package_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    to_coreml(nn.ReLU(), (IMAGE,), ["in"], ["out"], path, "fp16", {"bokehflow.variant": "nano"})
    with quiet_coremltools("a test") as coremltools:
        model = coremltools.models.MLModel(str(path), skip_model_load=True)
        assert model.user_defined_metadata["bokehflow.variant"] == "nano"
        description = model.get_spec().description
    float32 = 0x10020
    assert [x.type.multiArrayType.dataType for x in description.input] == [float32]
    assert [x.type.multiArrayType.dataType for x in description.output] == [float32]
    assert sorted(file.name for file in path.iterdir()) == ["Data", "Manifest.json"]
    assert sorted(tmp_path.iterdir()) == [path]


class Unconvertible(nn.Module):
    """Core ML has no product along an axis by this route."""

    def forward(self, x: Tensor) -> Tensor:
        return x.prod(2)


def test_a_module_without_a_core_ml_form_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.mlpackage"
    with pytest.raises(ArtifactError, match="cannot be converted"):
        to_coreml(Unconvertible(), (IMAGE,), ["in"], ["out"], path, "fp32", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (RuntimeError, "No space left on device [/tmp/a] [{}/Data]"),
        (OSError, "No space left on device"),
    ],
)
def test_a_full_disk_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], message: str
) -> None:
    def fail(*_arguments: object, package_dir: str, **_options: object) -> None:
        raise kind(message.format(package_dir))

    with quiet_coremltools("a test") as coremltools:
        monkeypatch.setattr(coremltools, "convert", fail)
    path = tmp_path / "m.mlpackage"

    def write() -> None:
        with staged(path) as place:
            to_coreml(nn.ReLU(), (IMAGE,), ["in"], ["out"], place, "fp32", {})

    with pytest.raises(OutputError, match=r"/m.mlpackage cannot be written: No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [("m.onnx", ["in"], ["out"]), ("m.mlpackage", ["a", "b"], ["out"]),
     ("m.mlpackage", ["in"], ["a", "b"])],
    ids=["suffix", "input names", "output names"],
)  # fmt: skip
def test_requests_that_make_no_sense_are_refused(
    name: str, inputs: list[str], outputs: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        to_coreml(nn.ReLU(), (IMAGE,), inputs, outputs, tmp_path / name, "fp32", {})
    assert list(tmp_path.iterdir()) == []


def test_it_is_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        to_coreml(nn.ReLU(), (IMAGE,), ["in"], ["out"], tmp_path / "m.mlpackage", "fp16", {})
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.name.startswith("coremltools")]


def test_without_coremltools_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with (
        pytest.raises(MissingDependencyError, match="coreml"),
        quiet_coremltools("exporting to Core ML"),
    ):
        pass
