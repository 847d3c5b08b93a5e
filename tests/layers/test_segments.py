"""Segment-start states: exact first frames, the document's rule at n = 1, and convergence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bokehflow.errors import SizeError, UnknownNameError, UsageError
from bokehflow.layers.segments import SegmentScan, SegmentStart, TemporalConfig
from bokehflow.network import Network, NetworkOutput
from bokehflow.scan import ScanConfig, build_projected_scan
from bokehflow.specs import Variant
from tests.tolerances import FP32_EQUAL, SEGMENTS_EQUAL

HEIGHT, WIDTH, HEADS, SIZE = 6, 12, 2, 3
TINY = Variant("nano", 16, 2, 4, 16, 0, 0, 0)
TINIEST = Variant("nano", 8, 1, 2, 8, 0, 0, 0)
LENS = torch.tensor([[50.0, 1.8, 1.5, 36.0]])
NAIVE = build_projected_scan(ScanConfig("naive"))
Inputs = tuple[Tensor, ...]


def scene(seed: int, batch: int = 1) -> Inputs:
    """qkv, log_decay and beta of one frame, float64, with slow decays."""
    rng = torch.Generator().manual_seed(seed)

    def random(*last: int) -> Tensor:
        shape = (batch, HEIGHT * WIDTH, *last)
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    gates = random(4, HEADS, 2).sigmoid()
    return random(3, 4, HEADS, SIZE), -0.05 * gates[..., 0], gates[..., 1]


def start_of(
    before: Tensor | None, segments: int, tau: float = 0.0, batch: int = 1
) -> SegmentStart:
    """The start after a frame that left `before`, or of a first frame."""
    initial = torch.full((1, 4, HEADS, SIZE, SIZE), 0.3, dtype=torch.float64)
    valid = torch.full((batch, 1), float(before is not None), dtype=torch.float64)
    slots = torch.zeros(batch, segments, 4, HEADS, SIZE, SIZE, dtype=torch.float64)
    return SegmentStart(initial, slots if before is None else before, tau * valid, valid)


def exact(inputs: Inputs, initial: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The whole scan, uncut."""
    first = start_of(None, 1).initial if initial is None else initial
    batch = len(inputs[0])
    return NAIVE(*inputs, first.expand(batch, -1, -1, -1, -1), HEIGHT, WIDTH)


def run(mode: str, n: int, inputs: Inputs, start: SegmentStart) -> tuple[Tensor, Tensor]:
    """One frame through a segmented naive scan."""
    return SegmentScan(NAIVE, TemporalConfig(mode, n))(*inputs, start, HEIGHT, WIDTH)


def close(left: Tensor, right: Tensor) -> bool:
    """Equal to rounding."""
    return torch.allclose(left, right, atol=SEGMENTS_EQUAL, rtol=SEGMENTS_EQUAL)


@pytest.mark.parametrize("mode", ["blended", "systolic"])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_the_first_frame_is_exact_and_its_slots_are_where_segments_end(mode: str, n: int) -> None:
    inputs = scene(0)
    o, slots = run(mode, n, inputs, start_of(None, n))
    wanted, final = exact(inputs)
    assert close(o, wanted)
    assert slots.shape == (1, n, 4, HEADS, SIZE, SIZE)
    assert close(slots[:, 0], final)


@pytest.mark.parametrize("n", [2, 3])
def test_blended_that_keeps_nothing_is_the_exact_scan(n: int) -> None:
    _, before = run("blended", n, scene(1), start_of(None, n))
    o, _ = run("blended", n, scene(2), start_of(before, n, tau=0.0))
    assert close(o, exact(scene(2))[0])


def test_blended_with_one_segment_is_the_rule_of_the_document() -> None:
    tau = 0.4
    _, before = run("blended", 1, scene(1), start_of(None, 1))
    start = start_of(before, 1, tau)
    o, slots = run("blended", 1, scene(2), start)
    wanted, final = exact(scene(2), tau * before[:, 0] + (1 - tau) * start.initial)
    assert close(o, wanted)
    assert close(slots[:, 0], final)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_systolic_agrees_with_the_exact_scan_after_n_still_frames(n: int) -> None:
    _, slots = run("systolic", n, scene(1), start_of(None, n))
    wanted, _ = exact(scene(2))
    right = []
    for _ in range(n):
        o, slots = run("systolic", n, scene(2), start_of(slots, n))
        right.append(close(o, wanted))
    assert right[-1]
    assert not right[0]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_cold_is_systolic_from_the_first_frame_on(n: int) -> None:
    first = start_of(None, n)
    # Segments start from what is given, zeros, and the first of each scan from S_init.
    given = torch.cat([first.initial[:, None], first.before[:, 1:]], dim=1)
    wanted, ends = NAIVE(*scene(1), given if n > 1 else given[:, 0], HEIGHT, WIDTH, n)
    o, slots = run("cold", n, scene(1), first)
    assert close(o, wanted)
    assert close(slots, ends.reshape(slots.shape).roll(1, dims=1))
    later = start_of(slots, n)
    for got, expected in zip(
        run("cold", n, scene(2), later), run("systolic", n, scene(2), later), strict=True
    ):
        assert close(got, expected)


def test_first_frames_and_later_ones_share_a_batch() -> None:
    _, slots = run("systolic", 3, scene(1), start_of(None, 3))
    both = tuple(torch.cat([x, x]) for x in scene(2))
    later = start_of(slots, 3)
    mixed = SegmentStart(
        later.initial,
        torch.cat([torch.zeros_like(slots), slots]),
        torch.zeros(2, 1, dtype=torch.float64),
        torch.tensor([[0.0], [1.0]], dtype=torch.float64),
    )
    o, _ = run("systolic", 3, both, mixed)
    assert close(o[:1], exact(scene(2))[0])
    assert close(o[1:], run("systolic", 3, scene(2), later)[0])


@pytest.mark.parametrize("form", ["chunked", "cpu"])
def test_other_forms_of_the_scan_cut_it_the_same_way(form: str) -> None:
    starts = torch.randn(1, 3, 4, HEADS, SIZE, SIZE, dtype=torch.float64)
    scan = build_projected_scan(ScanConfig(form))
    for got, wanted in zip(
        scan(*scene(4), starts, HEIGHT, WIDTH, segments=3),
        NAIVE(*scene(4), starts, HEIGHT, WIDTH, segments=3),
        strict=True,
    ):
        assert close(got, wanted)


def network(mode: str, segments: int, variant: Variant = TINY) -> Network:
    """A tiny network; the same weights for every mode."""
    torch.manual_seed(3)
    model = Network(variant, temporal=TemporalConfig(mode, segments)).eval()
    torch.nn.init.normal_(model.propagate.initial, std=0.1)
    return model


def film(model: Network, frames: list[Tensor]) -> list[NetworkOutput]:
    """Frames in order, state carried."""
    state, seen = model.first_state(), []
    with torch.no_grad():
        for frame in frames:
            seen.append(model(frame, LENS, state))
            state = seen[-1].next_state
    return seen


def test_one_blended_segment_is_the_documents_network() -> None:
    frames = [torch.rand(1, 3, 16, 24) for _ in range(3)]
    for got, wanted in zip(
        film(network("blended", 1), frames), film(network("document", 1), frames), strict=True
    ):
        for left, right in zip(got.next_state, wanted.next_state, strict=True):
            torch.testing.assert_close(left, right, atol=FP32_EQUAL, rtol=FP32_EQUAL)


def test_a_systolic_network_settles_on_a_still_scene() -> None:
    first, then = torch.rand(1, 3, 16, 32), torch.rand(1, 3, 16, 32)
    n = 2
    frames = TINY.blocks * (n - 1) + 1
    seen = film(network("systolic", n), [first, *([then] * frames)])
    wanted = film(network("off", 1), [then])[0]
    assert seen[0].next_state.scan.shape[2] == n * 4 * TINY.heads
    torch.testing.assert_close(
        seen[-1].inverse_depth, wanted.inverse_depth, atol=FP32_EQUAL, rtol=FP32_EQUAL
    )
    assert not torch.allclose(seen[1].inverse_depth, wanted.inverse_depth, atol=FP32_EQUAL)


def test_off_forgets_the_frame_before() -> None:
    frame = torch.rand(1, 3, 16, 24)
    seen = film(network("off", 1), [torch.rand(1, 3, 16, 24), frame])
    alone = film(network("off", 1), [frame])
    assert torch.equal(seen[-1].inverse_depth, alone[0].inverse_depth)


def test_wrong_choices_are_plain_errors() -> None:
    with pytest.raises(UnknownNameError, match="systolic"):
        TemporalConfig("systolik")
    with pytest.raises(UsageError, match="document"):
        TemporalConfig("document", 4)
    for wrong in (0, 2.0, "2", True):
        with pytest.raises(SizeError, match="1 to 1024"):
            TemporalConfig("blended", wrong)  # type: ignore[arg-type]
    with pytest.raises(SizeError, match="5 segments"):
        run("systolic", 5, scene(0), start_of(None, 5))


def test_a_blended_network_exports_and_a_systolic_one_says_why_not() -> None:
    frame = torch.rand(1, 3, 8, 8)
    blended, systolic = (network(mode, 2, TINIEST) for mode in ("blended", "systolic"))
    inputs = (frame, LENS, blended.first_state())
    graph = torch.export.export(blended, inputs, strict=False).module()
    with torch.no_grad():
        got, wanted = graph(*inputs), blended(*inputs)
    torch.testing.assert_close(
        got.inverse_depth, wanted.inverse_depth, atol=FP32_EQUAL, rtol=FP32_EQUAL
    )
    with pytest.raises(UsageError, match="one graph"):
        torch.export.export(systolic, inputs, strict=False)
