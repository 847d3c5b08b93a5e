"""Gate floors rise with depth of layer and with blur; decays keep their digits."""

import math

import pytest
import torch

from bokehflow.layers.gates import GateFloors, TokenGates, log_decay_above
from tests.tolerances import FP32_EQUAL


@pytest.mark.parametrize("seed", range(5))
def test_floors_rise_with_depth_whatever_is_learned(seed: int) -> None:
    torch.manual_seed(seed)
    floors = GateFloors(6)
    with torch.no_grad():
        for parameter in floors.parameters():
            parameter.copy_(torch.randn_like(parameter) * 2.0)
    found = [floors(layer, torch.zeros(1, 1)).item() for layer in range(6)]
    assert found == sorted(found)
    assert len(set(found)) == 6
    assert found[0] > 0.0
    assert found[-1] < 1.0


def test_more_blur_raises_the_floor() -> None:
    floors = GateFloors(3)
    sharp, blurred = (floors(1, torch.tensor([[percent]])).item() for percent in (0.0, 4.0))
    assert blurred > sharp


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
    log_decay = log_decay_above(torch.tensor(floor), logits)
    assert torch.isfinite(log_decay).all()
    assert log_decay.max() <= 0.0
    if floor:
        assert log_decay.min() >= math.log(floor) - FP32_EQUAL
