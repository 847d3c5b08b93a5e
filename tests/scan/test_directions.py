"""Each direction sees exactly the tokens before it in its own order."""

import pytest
import torch
from torch import Tensor

from bokehflow.errors import SizeError, UsageError
from bokehflow.scan import (
    DIRECTIONS,
    chunk_gated_delta,
    chunk_scan_2d,
    naive_gated_delta,
    naive_scan_2d,
)
from tests.tolerances import SCAN_CHUNKED_FP64, relative_rms

HEIGHT, WIDTH, HEADS, SIZE = 3, 5, 2, 4


def map_inputs(height: int = HEIGHT, width: int = WIDTH, batch: int = 1) -> list[Tensor]:
    """q, k, v, log_decay, beta over a map, and an initial state, float64."""
    generator = torch.Generator().manual_seed(7)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.1

    tokens = (batch, height * width, 4, HEADS)
    q, k, v = (uniform(*tokens, SIZE) for _ in range(3))
    gates = [(uniform(*tokens) * 0.8).log(), uniform(*tokens) * 0.8]
    state = uniform(batch, 4, HEADS, SIZE, SIZE)
    return [q, k / k.norm(dim=-1, keepdim=True), v, *gates, state]


def order_of(direction: str, height: int, width: int) -> list[int]:
    """Raster indices of the tokens in the order in which a direction visits them."""
    raster = [y * width + x for y in range(height) for x in range(width)]
    columns = [y * width + x for x in range(width) for y in range(height)]
    order = columns if "column" in direction else raster
    return order[::-1] if direction.startswith("reverse") else order


@pytest.mark.parametrize("scan", [chunk_scan_2d, naive_scan_2d], ids=["chunked", "naive"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_impulse_reaches_exactly_what_comes_after(direction: str, scan) -> None:  # type: ignore[no-untyped-def]
    q, k, v, log_decay, beta, state = map_inputs()
    index = DIRECTIONS.index(direction)
    order = order_of(direction, HEIGHT, WIDTH)
    before, _ = scan(q, k, v, log_decay, beta, state, HEIGHT, WIDTH)
    for position, token in enumerate(order):
        touched = v.clone()
        touched[:, token, index] += 1.0
        after, _ = scan(q, k, touched, log_decay, beta, state, HEIGHT, WIDTH)
        changed = (after != before).flatten(3).any(-1)[0]
        seen = {int(t) for t in changed[:, index].nonzero()}
        assert seen == set(order[position:])
        others = [d for d in range(len(DIRECTIONS)) if d != index]
        assert not changed[:, others].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (4, 4), (5, 7)], ids=str)
def test_chunked_equals_the_recurrence_in_every_direction(size: tuple[int, int]) -> None:
    inputs = map_inputs(*size, batch=2)
    o, final = chunk_scan_2d(*inputs, *size, chunk_size=4)
    for index, direction in enumerate(DIRECTIONS):
        order = order_of(direction, *size)
        *sequences, state = (x[:, :, index] for x in inputs[:5]), inputs[5][:, index]
        in_order = [x[:, order] for x in sequences[0]]
        expected, expected_final = naive_gated_delta(*in_order, state)
        assert relative_rms(expected, o[:, order, index]) < SCAN_CHUNKED_FP64
        assert relative_rms(expected_final, final[:, index]) < SCAN_CHUNKED_FP64


def test_two_frames_with_the_state_carried_equal_the_concatenated_truth() -> None:
    first, second = map_inputs(), [x.flip(1) for x in map_inputs()]
    o_first, state = chunk_scan_2d(*first, HEIGHT, WIDTH)
    o_second, final = chunk_scan_2d(*second[:5], state, HEIGHT, WIDTH)
    for index, direction in enumerate(DIRECTIONS):
        order = order_of(direction, HEIGHT, WIDTH)
        both = [
            torch.cat([a[:, order, index], b[:, order, index]], dim=1)
            for a, b in zip(first[:5], second[:5], strict=True)
        ]
        expected, expected_final = naive_gated_delta(*both, first[5][:, index])
        found = torch.cat([o_first[:, order, index], o_second[:, order, index]], dim=1)
        assert relative_rms(expected, found) < SCAN_CHUNKED_FP64
        assert relative_rms(expected_final, final[:, index]) < SCAN_CHUNKED_FP64


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(SizeError, match="q of shape"):
        chunk_scan_2d(*map_inputs(), HEIGHT + 1, WIDTH)


@pytest.mark.parametrize("scan", [chunk_scan_2d, naive_scan_2d], ids=["chunked", "naive"])
@pytest.mark.parametrize("position", range(6), ids=["q", "k", "v", "log_decay", "beta", "state"])
def test_inputs_of_another_layout_are_refused(scan, position: int) -> None:  # type: ignore[no-untyped-def]
    inputs = list(map_inputs())
    inputs[position] = inputs[position].transpose(1, 2)
    with pytest.raises(SizeError, match="shape"):
        scan(*inputs, HEIGHT, WIDTH)
    with pytest.raises(SizeError, match="0 segments"):
        scan(*map_inputs(), HEIGHT, WIDTH, segments=0)


@pytest.mark.parametrize("scan", [chunk_scan_2d, naive_scan_2d], ids=["chunked", "naive"])
def test_a_state_in_wider_precision_is_taken(scan) -> None:  # type: ignore[no-untyped-def]
    *sequences, state = map_inputs()
    o, final = scan(*(x.bfloat16() for x in sequences), state.float(), HEIGHT, WIDTH)
    assert o.dtype == final.dtype == torch.float32
    with pytest.raises(UsageError, match="int64; expected floating point"):
        scan(*(x.long() for x in sequences), state, HEIGHT, WIDTH)


@pytest.mark.parametrize("scan", [chunk_gated_delta, naive_gated_delta], ids=["chunked", "naive"])
def test_sequences_of_another_layout_are_refused(scan) -> None:  # type: ignore[no-untyped-def]
    q, v, gate = torch.rand(1, 6, 2, 3), torch.rand(1, 6, 2, 4), torch.rand(1, 6, 2)
    state = torch.rand(1, 2, 3, 4)
    o, _ = scan(q.bfloat16(), q.bfloat16(), v.bfloat16(), -gate, gate.bfloat16(), state.bfloat16())
    assert o.dtype == torch.float32
    with pytest.raises(SizeError, match="log_decay of shape"):
        scan(q, q, v, -gate.transpose(1, 2), gate, state)
    with pytest.raises(SizeError, match="initial_state of shape"):
        scan(q, q, v, -gate, gate, state.transpose(2, 3))
    with pytest.raises(SizeError, match="k and v"):
        scan(*(x[:, :0] for x in (q, q, v, -gate, gate)))


def test_gates_that_are_no_floating_point_are_refused_by_both_forms() -> None:
    q, k, v, log_decay, beta, state = map_inputs()
    for dtype in (torch.int64, torch.complex64):
        for scan in (chunk_scan_2d, naive_scan_2d):
            with pytest.raises(UsageError, match="floating point"):
                scan(q, k, v, log_decay.to(dtype), beta, state, HEIGHT, WIDTH)
