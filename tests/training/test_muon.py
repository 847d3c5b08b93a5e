"""Muon: orthogonal updates of the size of AdamW's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bokehflow.training.muon import UPDATE_RMS, Muon, orthogonal

SHAPES = [(48, 48), (960, 48), (48, 96)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    found = orthogonal(torch.randn(3, *shape, generator=torch.Generator().manual_seed(1)))
    values = torch.linalg.svdvals(found.double())
    # What the coefficients promise: within [0.7, 1.2], but for what began near nothing.
    assert values.max() < 1.25
    assert values.median() > 0.65


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_directions_are_those_of_the_polar_factor(shape: tuple[int, int]) -> None:
    matrix = torch.randn(1, *shape, generator=torch.Generator().manual_seed(2))
    u, _, vh = torch.linalg.svd(matrix[0].double(), full_matrices=False)
    found = orthogonal(matrix)[0].double()
    cosine = (found * (u @ vh)).sum() / (found.norm() * (u @ vh).norm())
    assert cosine > 0.97


def test_an_update_has_the_size_of_adamws_and_decays_first() -> None:
    matrix = nn.Parameter(torch.ones(64, 64))
    alone = nn.Parameter(torch.ones(64, 32))
    optimiser = Muon([matrix, alone], lr=0.01, weight_decay=0.5)
    matrix.grad = torch.randn(64, 64, generator=torch.Generator().manual_seed(3))
    optimiser.step()
    moved = matrix.detach() - (1.0 - 0.01 * 0.5)
    assert float(moved.square().mean().sqrt()) == pytest.approx(0.01 * UPDATE_RMS, rel=0.15)
    assert torch.equal(alone.detach(), torch.ones(64, 32))  # it had no gradient


def test_a_batch_of_matrices_moves_as_each_alone() -> None:
    random = torch.Generator().manual_seed(4)
    start, gradient = torch.randn(2, 3, 40, 32, generator=random)
    together = [nn.Parameter(m.clone()) for m in start]
    apart = [nn.Parameter(m.clone()) for m in start]
    optimisers = [Muon(together, 0.02, 0.1), *(Muon([p], 0.02, 0.1) for p in apart)]
    for _ in range(3):
        for p, g in zip(together + apart, [*gradient, *gradient], strict=True):
            p.grad = g.clone()
        for optimiser in optimisers:
            optimiser.step()
    for one, other in zip(together, apart, strict=True):
        torch.testing.assert_close(one, other)
