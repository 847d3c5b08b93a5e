"""The session over a saved package."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.errors import ArtifactError, BokehFlowError, SizeError, UsageError
from bokehflow.export.to_coreml import to_coreml
from bokehflow.runtimes.coreml_session import CoreMLSession
from tests.tolerances import FEW_OPERATIONS


class Exposure(nn.Module):
    """Two inputs and two outputs, to see that names are not mixed up."""

    def forward(self, image: Tensor, gain: Tensor) -> tuple[Tensor, Tensor]:
        return image * gain, image.mean((2, 3))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("session") / "exposure.mlpackage"
    inputs = (torch.zeros(1, 3, 5, 7), torch.zeros(1, 1, 1, 1))
    to_coreml(Exposure(), inputs, ["image", "gain"], ["bokeh", "mean"], path, "fp32", {})
    return path


@pytest.fixture(scope="module")
def session(package: Path) -> CoreMLSession:
    return CoreMLSession(package)


def test_it_says_what_it_is(session: CoreMLSession) -> None:
    info = session.info
    assert info.runtime == "coreml"
    assert info.mode == ("executed" if sys.platform == "darwin" else "evaluated")
    assert info.input_shapes == {"image": (1, 3, 5, 7), "gain": (1, 1, 1, 1)}
    assert info.output_names == ("bokeh", "mean")


def test_it_computes_every_output_by_name(session: CoreMLSession) -> None:
    image = np.random.default_rng(0).random((1, 3, 5, 7), np.float32)
    outputs = session.run({"image": image, "gain": np.full((1, 1, 1, 1), 2.0, np.float32)})
    np.testing.assert_allclose(outputs["bokeh"], 2.0 * image, rtol=FEW_OPERATIONS)
    np.testing.assert_allclose(outputs["mean"], image.mean((2, 3)), rtol=FEW_OPERATIONS)


@pytest.mark.parametrize(
    ("feeds", "error"),
    [
        ({"image": np.zeros((1, 3, 5, 7), np.float32)}, UsageError),
        (
            {
                "image": np.zeros((1, 3, 5, 8), np.float32),
                "gain": np.zeros((1, 1, 1, 1), np.float32),
            },
            SizeError,
        ),
    ],
    ids=["missing input", "another size"],
)
def test_feeds_that_do_not_fit_are_refused(
    session: CoreMLSession, feeds: dict[str, np.ndarray], error: type[BokehFlowError]
) -> None:
    with pytest.raises(error):
        session.run(feeds)


def test_a_package_that_core_ml_does_not_load_is_refused_when_it_is_opened(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quiet_coremltools("a test") as coremltools:
        read = coremltools.models.MLModel

    def warned_of(path: str, **options: object) -> object:
        model = read(path, skip_model_load=True)
        if "skip_model_load" not in options:
            model._framework_error = RuntimeError("Unable to parse ML Program")
        return model

    monkeypatch.setattr(coremltools.models, "MLModel", warned_of)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ArtifactError, match=r"Core ML cannot load .*Unable to parse ML Program"):
        CoreMLSession(package)
