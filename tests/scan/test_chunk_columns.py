"""The chunked scan with tokens in columns against the float64 recurrence."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.scan import INTER_CHUNK_SCHEMES, InterChunk, naive_gated_delta
from bokehflow.scan.chunk_columns import chunk_columns
from bokehflow.scan.inputs import ScanInputs
from bokehflow.scan.transitions import plan_groups
from tests.scan.samples import GATES, KEYS, scan_inputs
from tests.tolerances import SCAN_CHUNKED_FP32, SCAN_CHUNKED_FP64, relative_rms


def columns_scan(
    inputs: list[Tensor], size: int, scheme: InterChunk = "three_level"
) -> tuple[Tensor, Tensor]:
    """`naive_gated_delta`'s arguments and results, through `chunk_columns`."""
    *sequences, state = inputs
    batch, length, heads = sequences[0].shape[:3]
    groups = plan_groups(-(-length // size), scheme)
    count = math.prod(groups)

    def in_columns(x: Tensor) -> Tensor:
        rows = x.reshape(batch, length, heads, -1).permute(0, 2, 3, 1).flatten(0, 1)
        padded = F.pad(rows, (0, count * size - length))
        return padded.reshape(batch * heads, -1, count, size).transpose(1, 2)

    chunks = ScanInputs(*(in_columns(x) for x in sequences))
    o, final = chunk_columns(chunks, state.flatten(0, 1), groups, scheme)
    tokens = o.transpose(2, 3).reshape(batch, heads, count * size, -1)[:, :, :length]
    return tokens.transpose(1, 2), final.reshape(state.shape)


@pytest.mark.parametrize("gates", GATES)
@pytest.mark.parametrize("keys", KEYS)
def test_float32_matches_the_recurrence(keys: str, gates: str) -> None:
    inputs = list(scan_inputs(keys, gates, length=203))
    o, final = naive_gated_delta(*inputs)
    found_o, found_final = columns_scan([x.float() for x in inputs], 32)
    assert relative_rms(o, found_o) < SCAN_CHUNKED_FP32
    assert relative_rms(final, found_final) < SCAN_CHUNKED_FP32


@pytest.mark.parametrize("scheme", INTER_CHUNK_SCHEMES)
@pytest.mark.parametrize("length", [1, 8, 31, 161])
def test_every_scheme_and_any_length(scheme: InterChunk, length: int) -> None:
    inputs = list(scan_inputs("ar1", "usual", length, 4, 5))
    o, final = naive_gated_delta(*inputs)
    found_o, found_final = columns_scan(inputs, 8, scheme)
    assert found_o.shape == o.shape
    assert relative_rms(o, found_o) < SCAN_CHUNKED_FP64
    assert relative_rms(final, found_final) < SCAN_CHUNKED_FP64


def test_rows_of_one_head_s_channels_are_nowhere() -> None:
    inputs = [x.float() for x in scan_inputs("random", "usual", 192, 16, 16)]
    program = torch.export.export(_Columns(), tuple(inputs[:5]), strict=False)
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    products = [node for node in calls if "matmul" in str(node.target)]
    assert products
    assert min(node.meta["val"].shape[-1] for node in products) >= 32


class _Columns(torch.nn.Module):
    def forward(self, q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor) -> Tensor:
        state = q.new_zeros(q.shape[0], q.shape[2], 16, 16)
        return columns_scan([q, k, v, g, beta, state], 32)[0]
