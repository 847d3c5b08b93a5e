"""The chunked scan against the float64 recurrence."""

import pytest
import torch

from bokehflow.errors import SizeError, UnknownNameError
from bokehflow.scan import INTER_CHUNK_SCHEMES, InterChunk, chunk_gated_delta, naive_gated_delta
from tests.scan.samples import GATES, KEYS, scan_inputs
from tests.tolerances import SCAN_CHUNKED_FP32, SCAN_CHUNKED_FP64, relative_rms


@pytest.mark.parametrize("gates", GATES)
@pytest.mark.parametrize("keys", KEYS)
def test_float32_matches_the_recurrence(keys: str, gates: str) -> None:
    inputs = scan_inputs(keys, gates, length=203)
    o, final = naive_gated_delta(*inputs)
    for chunk_size in (16, 32, 64):
        found_o, found_final = chunk_gated_delta(
            *(x.float() for x in inputs), chunk_size=chunk_size
        )
        assert relative_rms(o, found_o) < SCAN_CHUNKED_FP32
        assert relative_rms(final, found_final) < SCAN_CHUNKED_FP32


@pytest.mark.parametrize("scheme", INTER_CHUNK_SCHEMES)
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 31, 160, 161])
def test_every_scheme_and_any_length(scheme: InterChunk, length: int) -> None:
    inputs = scan_inputs("ar1", "usual", length)
    o, final = naive_gated_delta(*inputs)
    found_o, found_final = chunk_gated_delta(*inputs, chunk_size=8, inter_chunk=scheme)
    assert found_o.shape == o.shape
    assert relative_rms(o, found_o) < SCAN_CHUNKED_FP64
    assert relative_rms(final, found_final) < SCAN_CHUNKED_FP64


def test_two_calls_with_the_state_carried_equal_one() -> None:
    q, k, v, log_decay, beta, state = scan_inputs("random", "usual", 90)
    whole, final = naive_gated_delta(q, k, v, log_decay, beta, state)
    parts = []
    for part in (slice(0, 37), slice(37, 90)):
        sequences = (x[:, part] for x in (q, k, v, log_decay, beta))
        o, state = chunk_gated_delta(*sequences, state)
        parts.append(o)
    assert relative_rms(whole, torch.cat(parts, dim=1)) < SCAN_CHUNKED_FP64
    assert relative_rms(final, state) < SCAN_CHUNKED_FP64


def test_no_state_means_zeros() -> None:
    *sequences, state = scan_inputs("random", "usual", 20)
    with_zeros = chunk_gated_delta(*sequences, torch.zeros_like(state))
    for scan in (chunk_gated_delta, naive_gated_delta):
        o, final = scan(*sequences)
        assert relative_rms(with_zeros[0], o) < SCAN_CHUNKED_FP64
        assert relative_rms(with_zeros[1], final) < SCAN_CHUNKED_FP64


def test_a_decay_of_exactly_zero_forgets_everything() -> None:
    q, k, v, log_decay, beta, state = scan_inputs("random", "usual", 40)
    log_decay[:, 21] = -torch.inf
    o, final = naive_gated_delta(q, k, v, log_decay, beta, state)
    found_o, found_final = chunk_gated_delta(q, k, v, log_decay, beta, state)
    assert relative_rms(o, found_o) < SCAN_CHUNKED_FP64
    assert relative_rms(final, found_final) < SCAN_CHUNKED_FP64


def test_gradients_match_the_recurrence() -> None:
    inputs = [x.requires_grad_() for x in scan_inputs("random", "usual", 21, 4, 5)]
    gradients = []
    for scan in (naive_gated_delta, chunk_gated_delta):
        o, final = scan(*inputs)
        gradients.append(torch.autograd.grad(o.square().sum() + final.sum(), inputs))
    for expected, found in zip(*gradients, strict=True):
        assert relative_rms(expected, found) < SCAN_CHUNKED_FP64


@pytest.mark.parametrize("chunk_size", [0, 1, 24])
def test_chunk_sizes_that_are_no_power_of_two_are_refused(chunk_size: int) -> None:
    with pytest.raises(SizeError, match="power of two"):
        chunk_gated_delta(*scan_inputs("random", "usual", 4), chunk_size=chunk_size)


def test_unknown_scheme_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="two_level"):
        chunk_gated_delta(*scan_inputs("random", "usual", 4), inter_chunk="two-level")  # type: ignore[arg-type]


def test_autocast_rounds_neither_output_nor_state() -> None:
    inputs = [x.float() for x in scan_inputs("ar1", "usual", length=203)]
    o, final = chunk_gated_delta(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        found_o, found_final = chunk_gated_delta(*inputs)
    assert torch.equal(found_o, o)
    assert torch.equal(found_final, final)


def test_shapes_can_be_told_without_numbers() -> None:
    inputs = [x.to("meta") for x in scan_inputs("ar1", "usual", length=33)]
    o, final = chunk_gated_delta(*inputs)
    assert (o.shape, final.shape) == (inputs[2].shape, inputs[5].shape)
