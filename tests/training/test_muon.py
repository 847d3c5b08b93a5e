"""Matrices moved together against torch's own Muon, which moves them one by one."""

from __future__ import annotations

import pytest
import torch

from bokehflow.training.muon import StackedMuon, orthogonalised
from tests.tolerances import MUON_IN_BFLOAT16

SHAPES = ((48, 48), (96, 48), (48, 48), (48, 96), (96, 48), (33, 70))
STEPS = 4


def _matrices() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(11)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def test_it_moves_as_torchs_own() -> None:
    own, plain = _matrices(), _matrices()
    settings = {"weight_decay": 0.05, "adjust_lr_fn": "match_rms_adamw"}
    stacked = StackedMuon([{"params": own, "lr": torch.tensor(0.02)}], **settings)
    torchs = torch.optim.Muon(plain, lr=0.02, **settings)
    generator = torch.Generator().manual_seed(12)
    for step in range(STEPS):
        for a, b in zip(own, plain, strict=True):
            a.grad = torch.randn(a.shape, generator=generator)
            b.grad = a.grad.clone()
        if step:  # a matrix without a gradient stays, and the others still move
            own[2].grad = plain[2].grad = None
        stacked.step()
        torchs.step()
    for a, b, start in zip(own, plain, _matrices(), strict=True):
        assert (a - b).norm() <= MUON_IN_BFLOAT16 * (b - start).norm()
    for a, b in zip(own, plain, strict=True):
        ours, theirs = (x.state[p]["momentum_buffer"] for x, p in ((stacked, a), (torchs, b)))
        torch.testing.assert_close(ours, theirs)


def test_one_goes_on_from_the_others_state() -> None:
    own, plain = _matrices(), _matrices()
    torchs = torch.optim.Muon(plain, lr=0.02, adjust_lr_fn="match_rms_adamw")
    for matrix in plain:
        matrix.grad = torch.ones_like(matrix)
    torchs.step()
    stacked = StackedMuon(own, lr=0.02, adjust_lr_fn="match_rms_adamw")
    stacked.load_state_dict(torchs.state_dict())
    for a, b in zip(own, plain, strict=True):
        buffers = (stacked.state[a]["momentum_buffer"], torchs.state[b]["momentum_buffer"])
        assert torch.equal(*buffers)


@pytest.mark.parametrize("shape", [(3, 40, 40), (2, 96, 48), (2, 48, 96)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(13))
    turned = orthogonalised(matrices, (3.4445, -4.7750, 2.0315), 5, 1e-7).float()
    values = torch.linalg.svdvals(turned)
    assert values.max() < 1.3
    assert values.median() > 0.6
    assert turned.shape == matrices.shape
