"""Saved packages read back: compressed weights, states, and packages that are damaged."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.errors import ArtifactError
from bokehflow.export.to_coreml import to_coreml
from bokehflow.runtimes.coreml_session import CoreMLSession
from bokehflow.runtimes.mil_evaluator import Evaluator, read_package
from tests.runtimes.mil import sqnr_db
from tests.tolerances import MIL_INT8_WEIGHTS_SQNR_DB


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3))
    path = tmp_path_factory.mktemp("package") / "model.mlpackage"
    to_coreml(module, (torch.zeros(1, 3, 8, 9),), ["x"], ["y"], path, "fp32", {})
    return path


def cut(pattern: str, share: float) -> Callable[[Path], None]:
    """Keep only the first part of the one file that matches."""

    def damage(package: Path) -> None:
        (file,) = package.rglob(pattern)
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * share)])

    return damage


def garble(package: Path) -> None:
    (file,) = package.rglob("*.mlmodel")
    content = bytearray(file.read_bytes())
    content[200::97] = bytes(0xFF ^ byte for byte in content[200::97])
    file.write_bytes(bytes(content))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "half the program": cut("*.mlmodel", 0.5),
    "an empty program": cut("*.mlmodel", 0.0),
    "a garbled program": garble,
    "half the weights": cut("weight.bin", 0.5),
    "nearly all weights": cut("weight.bin", 0.95),
    "empty weights": cut("weight.bin", 0.0),
    "no weights": lambda path: next(path.rglob("weight.bin")).unlink(),
    "half the manifest": cut("Manifest.json", 0.5),
    "no manifest": lambda path: (path / "Manifest.json").unlink(),
    "no data": lambda path: shutil.rmtree(path / "Data"),
    "nothing": shutil.rmtree,
}


def test_a_path_that_is_no_text_is_told_as_that(package: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(package, tmp_path / os.fsdecode(b"\xff.mlpackage"))
    with pytest.raises(ArtifactError, match="rename it"):
        read_package(Path(copy))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_package_is_one_plain_error(damage: str, package: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(package, tmp_path / "copy.mlpackage"))
    DAMAGES[damage](copy)
    with pytest.raises(ArtifactError) as caught:
        read_package(copy)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "expected" in str(caught.value)


@contextlib.contextmanager
def often_switched() -> Iterator[None]:
    """Let threads take turns after a few instructions, as they do by chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_packages_that_are_read_at_once_do_not_mix(package: Path, stateful: Path) -> None:
    alone = [[op.kind for op in read_package(path).operations] for path in (package, stateful)]
    with ThreadPoolExecutor(4) as pool, often_switched():
        together = list(pool.map(read_package, [package, stateful] * 8))
    assert [[op.kind for op in program.operations] for program in together] == alone * 8


def test_compressed_weights_are_unpacked(package: Path, tmp_path: Path) -> None:
    copy = tmp_path / "int8.mlpackage"
    with quiet_coremltools("a test") as coremltools:
        optimize = coremltools.optimize.coreml
        config = optimize.OptimizationConfig(
            optimize.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=0)
        )
        model = coremltools.models.MLModel(str(package), skip_model_load=True)
        optimize.linear_quantize_weights(model, config).save(str(copy))
        kinds = _kinds(coremltools, copy)
    assert any(kind.startswith("constexpr_") for kind in kinds)
    feeds = {"x": np.random.default_rng(0).random((1, 3, 8, 9), np.float32)}
    reference = Evaluator(read_package(package)).run(feeds)["y"]
    test = Evaluator(read_package(copy)).run(feeds)["y"]
    assert MIL_INT8_WEIGHTS_SQNR_DB < sqnr_db(reference, test) < 100


def _kinds(coremltools: Any, path: Path) -> set[str]:
    """What operations a saved program holds, constants included."""
    spec = coremltools.models.MLModel(str(path), skip_model_load=True).get_spec()
    function = spec.mlProgram.functions["main"]
    return {op.type for op in function.block_specializations[function.opset].operations}


class Accumulator(nn.Module):
    """Adds its input to a state that lives inside the package."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(2, 3, dtype=torch.float16))
        self.total: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.total[:] = self.total + x
        return self.total * 2.0


@pytest.fixture(scope="module")
def stateful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stateful") / "model.mlpackage"
    example = (torch.zeros(2, 3, dtype=torch.float16),)
    with quiet_coremltools("a test") as coremltools:
        program = torch.export.export(Accumulator(), example).run_decompositions({})
        coremltools.convert(
            program,
            convert_to="mlprogram",
            minimum_deployment_target=coremltools.target.iOS18,
            inputs=[coremltools.TensorType("x", (2, 3), dtype=np.float16)],
            outputs=[coremltools.TensorType("y", dtype=np.float16)],
            package_dir=str(path),
            skip_model_load=True,
        )
    return path


def test_a_session_refuses_a_package_that_keeps_state(stateful: Path) -> None:
    with pytest.raises(ArtifactError, match="keeps 1 states inside"):
        CoreMLSession(stateful)
