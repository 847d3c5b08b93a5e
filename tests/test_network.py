"""The network: sizes of the table, the lens reaching it, the state carried through it."""

import pytest
import torch
from torch import Tensor

from bokehflow.layers.temporal import State, first_state
from bokehflow.network import Network, NetworkOutput
from bokehflow.specs import VARIANTS, Variant
from tests.tolerances import FP32_EQUAL, SEEN_CHANGE, TABLE_SHARE

TINY = Variant("nano", 16, 2, 4, 16, 0, 0, 0)
"""The same architecture, four blocks of sixteen channels a stream."""
LENS = torch.tensor([[50.0, 1.8, 1.5, 36.0]])


def tiny_network() -> Network:
    """A tiny network with seeded weights, every part of it awake."""
    torch.manual_seed(3)
    return Network(TINY).eval()


def run(
    network: Network, frame: Tensor, lens: Tensor = LENS, state: State | None = None
) -> NetworkOutput:
    """One frame without gradients."""
    with torch.no_grad():
        output: NetworkOutput = network(frame, lens, state or first_state(network.variant))
    return output


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters_are_within_three_percent_of_the_table(name: str) -> None:
    variant = VARIANTS[name]
    count = sum(parameter.numel() for parameter in Network(variant).parameters())
    assert abs(count / variant.table_parameters - 1.0) < TABLE_SHARE


@pytest.mark.parametrize("size", [(16, 24), (24, 16), (4, 4), (20, 36)], ids=str)
def test_shapes_at_odd_numbers_of_tokens(size: tuple[int, int]) -> None:
    output = run(tiny_network(), torch.rand(2, 3, *size), LENS.repeat(2, 1), first_state(TINY, 2))
    assert output.inverse_depth.shape == (2, 1, *size)
    assert output.hint.shape == (2, 3, *size)
    assert output.coarse_inverse_depth.shape == (2, 1, size[0] // 4, size[1] // 4)
    assert [tuple(s.shape) for s in output.next_state] == [
        tuple(s.shape) for s in first_state(TINY, 2)
    ]
    assert (output.inverse_depth > 0).all()


def test_frames_of_a_batch_do_not_see_each_other() -> None:
    network, frames = tiny_network(), torch.rand(2, 3, 16, 24)
    lenses = torch.tensor([[50.0, 1.8, 1.5, 36.0], [85.0, 4.0, 3.0, 36.0]])
    both = run(network, frames, lenses, first_state(TINY, 2))
    for index in range(2):
        alone = run(network, frames[index : index + 1], lenses[index : index + 1])
        torch.testing.assert_close(
            both.inverse_depth[index], alone.inverse_depth[0], atol=FP32_EQUAL, rtol=FP32_EQUAL
        )


def silence_coc(network: Network) -> None:
    """Cut every way but FiLM by which the lens reaches the network."""
    with torch.no_grad():
        for floors in (network.depth_floors, network.bokeh_floors):
            floors.coc_gain.zero_()
        for name, parameter in network.coc_conditions.named_parameters():
            if name.endswith("weight"):
                parameter.zero_()


def test_film_changes_the_output_with_the_aperture() -> None:
    network, frame = tiny_network(), torch.rand(1, 3, 16, 24)
    silence_coc(network)
    wide, narrow = LENS, torch.tensor([[50.0, 16.0, 1.5, 36.0]])
    changed = (run(network, frame, wide).hint - run(network, frame, narrow).hint).abs().max()
    assert changed > SEEN_CHANGE
    with torch.no_grad():
        for parameter in network.film.parameters():
            parameter.zero_()
    assert torch.equal(run(network, frame, wide).hint, run(network, frame, narrow).hint)


def test_coc_map_reaches_the_bokeh_stream_without_film() -> None:
    network, frame = tiny_network(), torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        for parameter in network.film.parameters():
            parameter.zero_()
    near, far = LENS, torch.tensor([[50.0, 1.8, 8.0, 36.0]])
    assert not torch.equal(run(network, frame, near).hint, run(network, frame, far).hint)


def keep_everything(network: Network) -> None:
    """tau = 1: the next frame starts exactly where this one ended."""
    with torch.no_grad():
        network.propagate.keep.weight.zero_()
        network.propagate.keep.bias.fill_(50.0)


def test_with_tau_one_a_frame_starts_where_the_last_one_ended() -> None:
    network, frame = tiny_network(), torch.rand(1, 3, 16, 24)
    keep_everything(network)
    left = run(network, frame).next_state
    starts = network.propagate(left, left.pooled)
    assert torch.equal(starts, left.scan)


def test_before_the_first_frame_only_the_learned_state_counts() -> None:
    network = tiny_network()
    keep_everything(network)
    with torch.no_grad():
        network.propagate.initial.normal_()
    starts = network.propagate(first_state(TINY), torch.zeros(1, TINY.channels))
    by_direction = starts.reshape(2 * TINY.blocks, 4, *network.propagate.initial.shape[1:])
    for direction in range(4):
        assert torch.equal(by_direction[:, direction], network.propagate.initial)


def test_the_previous_frame_changes_this_one() -> None:
    network, frames = tiny_network(), torch.rand(2, 1, 3, 16, 24)
    carried = run(network, frames[0]).next_state
    fresh, after = run(network, frames[1]), run(network, frames[1], LENS, carried)
    assert not torch.equal(fresh.inverse_depth, after.inverse_depth)


def test_every_parameter_gets_a_gradient() -> None:
    network = tiny_network().train()
    first = network(torch.rand(1, 3, 16, 24), LENS, first_state(TINY))
    second = network(torch.rand(1, 3, 16, 24), LENS, first.next_state)
    refined = network.refine(
        torch.rand(1, 3, 16, 24), torch.rand(1, 3, 16, 24), second.hint, second.inverse_depth
    )
    loss = second.inverse_depth.sum() + second.coarse_inverse_depth.sum() + refined.sum()
    loss.backward()
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert silent == []
