"""Parts of the lowered mixers against what they stand for."""

from __future__ import annotations

import pytest
import torch

from bokehflow.export.lowering.mixer_parts import Fusion, GateReader
from bokehflow.export.lowering.orders import (
    EVERY_DIRECTION,
    ROWS_AND_COLUMNS,
    Directions,
    from_orders,
    heads_from_orders,
)
from bokehflow.layers.bigdr import BiGDRBlock
from tests.tolerances import FP32_EQUAL, relative_rms


@pytest.mark.parametrize("directions", [EVERY_DIRECTION, *ROWS_AND_COLUMNS, (1,)])
def test_heads_lose_their_padding_on_the_way_back(directions: Directions) -> None:
    height, width, heads, size = 3, 5, 2, 4
    o = torch.randn(2, len(directions), height * width, heads, 3 * size)
    found = heads_from_orders(o, height, width, directions, size)
    expected = from_orders(o[..., :size].flatten(3), height, width, "gather", directions)
    assert len(found) == len(expected) == len(directions)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_shares_are_a_softmax_however_far_logits_lie_apart(scale: float) -> None:
    torch.manual_seed(1)
    blocks = [BiGDRBlock(8, 2, scan=lambda *_: None) for _ in range(2)]  # type: ignore[arg-type,return-value]
    fusions = [block.scan.fuse for block in blocks]
    outputs = scale * torch.randn(2, 40, 4, 8)
    with torch.no_grad():
        expected = torch.stack([f(o[None])[0] for f, o in zip(fusions, outputs, strict=True)])
        fusion = Fusion(blocks)
        found = fusion(list(outputs.unbind(2)))
    assert [tuple(weight.shape) for weight in fusion.parameters()] == 3 * [(2, 4 * 8 + 1, 8)]
    assert found.isfinite().all()
    assert relative_rms(expected, found) < FP32_EQUAL


@pytest.mark.parametrize("tokens", [1, 64, 67, 130])
def test_every_token_gets_its_heads_biases(tokens: int) -> None:
    weight, bias = torch.randn(2, 4, 6, 3), torch.randn(2, 4, 1, 3)
    x = torch.randn(2, 4, tokens, 6)
    assert torch.equal(GateReader(weight, bias)(x), x @ weight + bias)
