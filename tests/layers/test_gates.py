"""Gate floors rise with depth of layer and with blur; decays keep their digits."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from bokehflow.export.to_onnx import to_onnx
from bokehflow.layers.gates import GateFloors, TokenGates, log_decay_above, log_one_minus
from tests.tolerances import FP16_EQUAL, FP32_EQUAL


def floor_of(floors: GateFloors, layer: int, coc_percent: float) -> float:
    """alpha_min of one layer at some mean blur."""
    return 1.0 - floors(layer, torch.tensor([[coc_percent]])).item()


@pytest.mark.parametrize("seed", range(5))
def test_floors_rise_with_depth_whatever_is_learned(seed: int) -> None:
    torch.manual_seed(seed)
    floors = GateFloors(6)
    with torch.no_grad():
        for parameter in floors.parameters():
            parameter.copy_(torch.randn_like(parameter) * 2.0)
    found = [floor_of(floors, layer, 0.0) for layer in range(6)]
    assert found == sorted(found)
    assert len(set(found)) == 6
    assert found[0] > 0.0
    assert found[-1] < 1.0


def test_more_blur_raises_the_floor() -> None:
    floors = GateFloors(3)
    assert floor_of(floors, 1, 4.0) > floor_of(floors, 1, 0.0)


def test_token_gates_are_one_dot_product_a_head() -> None:
    gates = TokenGates(heads=3, head_size=4)
    with torch.no_grad():
        gates.bias.uniform_()
    projected = torch.randn(2, 5, 12)
    by_head = torch.nn.functional.silu(projected).reshape(2, 5, 3, 4)
    expected = (by_head * gates.weight).sum(-1) + gates.bias
    torch.testing.assert_close(gates(projected), expected, atol=FP32_EQUAL, rtol=FP32_EQUAL)


@pytest.mark.parametrize("floor", [0.0, 0.5, 0.99])
def test_decay_lies_between_its_floor_and_one(floor: float) -> None:
    logits = torch.linspace(-30.0, 30.0, 61)
    log_decay = log_decay_above(torch.tensor(1.0 - floor), logits)
    assert torch.isfinite(log_decay).all()
    assert log_decay.max() <= 0.0
    if floor:
        assert log_decay.min() >= math.log(floor) - FP32_EQUAL


def test_slow_and_fast_decays_keep_their_digits() -> None:
    x = torch.logspace(-9, math.log10(0.999), 500)
    expected = torch.log1p(-x.double())
    error = (log_one_minus(x).double() / expected - 1.0).abs().max()
    assert error < FP32_EQUAL
    plain = (torch.log(1.0 - x).double() / expected - 1.0).abs().max()
    assert plain > 0.5


class _Logarithm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return log_one_minus(x)


def _onnxruntime(path: Path, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def _openvino(path: Path, x: np.ndarray) -> np.ndarray:
    openvino = pytest.importorskip("openvino")
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([x])[0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("run", [_onnxruntime, _openvino])
def test_no_engine_simplifies_the_digits_away(
    run: Callable[[Path, np.ndarray], np.ndarray], tmp_path: Path
) -> None:
    x = torch.logspace(-9, math.log10(0.999), 500)
    program = torch.export.export(_Logarithm(), (x,))
    onnx.save(to_onnx(program, ["y"]), tmp_path / "log.onnx")
    ratio = run(tmp_path / "log.onnx", x.numpy()) / np.log1p(-x.double().numpy())
    assert np.abs(ratio - 1.0).max() < FP32_EQUAL


def test_half_precision_keeps_slow_decays() -> None:
    x = torch.tensor([1e-4, 1e-3, 1e-2, 0.2], dtype=torch.float16)
    expected = torch.log1p(-x.double())
    torch.testing.assert_close(log_one_minus(x).double(), expected, rtol=FP16_EQUAL, atol=0.0)
