"""The lowered network computes what the network computes, in every lowering."""

from __future__ import annotations

import pytest
import torch

from bokehflow.export.lowering.choice import LARGE_MAP_TOKENS, LOWERINGS, Lowering
from bokehflow.layers.segments import TemporalConfig
from bokehflow.layers.temporal import State, first_state
from bokehflow.network import Network
from bokehflow.optics import Lens
from bokehflow.specs import VARIANTS
from tests.tolerances import FP32_EQUAL, relative_rms


def network_with_every_weight_alive(
    variant: str, temporal: TemporalConfig | None = None
) -> Network:
    """Random everywhere: zeros and ones of a fresh network would hide a lost bias or scale."""
    torch.manual_seed(3)
    network = Network(VARIANTS[variant], temporal=temporal).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return network


LARGE = [each.for_tokens(LARGE_MAP_TOKENS) for each in LOWERINGS]
EVERY_FORM = {
    f"{each.name}-{each.target}{size}": each
    for size, lowerings in (("", LOWERINGS), ("-large", LARGE))
    for each in lowerings
    if not size or each not in LOWERINGS
}


@pytest.mark.parametrize("lowering", EVERY_FORM.values(), ids=EVERY_FORM.keys())
@pytest.mark.parametrize("variant", ["nano", "small"])
def test_lowered_network_is_the_network(variant: str, lowering: Lowering) -> None:
    network = network_with_every_weight_alive(variant)
    lowered = lowering.apply(network)
    zeros = first_state(network.variant)
    state = State(torch.randn_like(zeros.scan), torch.randn_like(zeros.pooled), torch.ones(1, 1))
    frame, lens = torch.rand(1, 3, 28, 44), torch.tensor([Lens().as_tuple()])
    rendered, hint, radius = (
        torch.rand(1, 3, 28, 44),
        torch.rand(1, 3, 28, 44),
        torch.rand(1, 1, 28, 44),
    )
    with torch.no_grad():
        expected, found = network(frame, lens, state), lowered(frame, lens, state)
        refined, refined_lowered = (
            each.refine(rendered, frame, hint, radius) for each in (network, lowered)
        )
    for before, after in zip(
        (*expected[:3], *expected.next_state), (*found[:3], *found.next_state), strict=True
    ):
        assert before.shape == after.shape
        assert relative_rms(before, after) < FP32_EQUAL
    assert relative_rms(refined, refined_lowered) < FP32_EQUAL


@pytest.mark.parametrize("lowering", EVERY_FORM.values(), ids=EVERY_FORM.keys())
@pytest.mark.parametrize("segments", [1, 2, 4])
def test_scans_cut_into_segments_are_cut_alike(segments: int, lowering: Lowering) -> None:
    network = network_with_every_weight_alive("nano", TemporalConfig("cold", segments))
    lowered = lowering.apply(network)
    lens = torch.tensor([Lens().as_tuple()])
    states = [network.first_state(), lowered.first_state()]
    for _ in range(3):
        frame = torch.rand(1, 3, 32, 48)
        with torch.no_grad():
            expected, found = network(frame, lens, states[0]), lowered(frame, lens, states[1])
        states = [expected.next_state, found.next_state]
        for before, after in zip(
            (*expected[:3], *expected.next_state), (*found[:3], *found.next_state), strict=True
        ):
            assert before.shape == after.shape
            assert relative_rms(before, after) < FP32_EQUAL
