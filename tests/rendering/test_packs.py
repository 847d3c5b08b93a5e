"""Layers that share a convolution."""

import pytest
import torch

from bokehflow.rendering.aperture import level_kernel
from bokehflow.rendering.bank import radius_bank
from bokehflow.rendering.config import Quality
from bokehflow.rendering.packs import LAYERS_PER_PACK, pack_kernel, packs_of


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize("near_px", [0.0, 50.0])
def test_every_layer_is_in_one_pack_of_its_level(quality: Quality, near_px: float) -> None:
    bank = radius_bank(quality, 50.0, near_px)
    packs = packs_of(bank)
    assert sorted(index for pack in packs for index in pack) == list(range(len(bank)))
    assert max(map(len, packs)) <= LAYERS_PER_PACK
    assert all(len({bank[index].level for index in pack}) == 1 for pack in packs)


def test_a_pack_blurs_each_layer_by_its_own_kernel() -> None:
    bank = radius_bank("mobile", 5.0, 5.0)
    pack = packs_of(bank)[0]
    weight = pack_kernel([bank[index] for index in pack], 2, 5, 10.0)
    for number, index in enumerate(pack):
        own = level_kernel(bank[index].radius_px, bank[index].level, 5, 10.0).float()
        edge = (weight.shape[-1] - own.shape[-1]) // 2
        rows = slice(edge, edge + own.shape[-1])
        for channel in (2 * number, 2 * number + 1):
            assert torch.equal(weight[channel, 0, rows, rows], own)
            assert float(weight[channel].sum()) == pytest.approx(float(own.sum()))
