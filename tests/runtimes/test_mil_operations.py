"""Operations that torch seldom or never becomes, against their documented meaning."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bokehflow.errors import ArtifactError
from tests.runtimes.mil import Constant, run_one
from tests.tolerances import FEW_OPERATIONS, NEAR_ZERO

LINE = torch.arange(6.0)
GRID = torch.arange(12.0).reshape(3, 4)
SQUARE = torch.arange(16.0).reshape(1, 1, 4, 4)
ROW = torch.tensor([[[[0.0, 1.0]]]])
"""Two pixels side by side: the example of the resize operations' documentation."""

CASES: dict[str, tuple[str, dict[str, Constant], object]] = {
    "floor division rounds down": (
        "floor_div", {"x": torch.tensor([-3.0, 3.0]), "y": 2.0}, [-2.0, 1.0],
    ),
    "mod takes the divisor's sign": (
        "mod", {"x": torch.tensor([-3.0, 3.0]), "y": 2.0}, [1.0, 1.0],
    ),
    "round halves to even": ("round", {"x": torch.tensor([0.5, 1.5, -2.5])}, [0.0, 2.0, -2.0]),
    "floor": ("floor", {"x": torch.tensor([-0.5, 0.5])}, [-1.0, 0.0]),
    "inverse adds epsilon first": (
        "inverse", {"x": torch.tensor([0.5]), "epsilon": 0.5}, [1.0],
    ),
    "threshold is a lower bound": (
        "threshold", {"x": torch.tensor([-1.0, 2.0]), "alpha": 0.5}, [0.5, 2.0],
    ),
    "band of one below": (
        "band_part", {"x": torch.ones(3, 3), "lower": 1, "upper": 0},
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]],
    ),
    "band with everything above": (
        "band_part", {"x": torch.ones(2, 3), "lower": 0, "upper": -1},
        [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]],
    ),
    "matmul transposes both": (
        "matmul",
        {"x": GRID, "y": torch.ones(2, 3), "transpose_x": True, "transpose_y": True},
        [[12.0, 12.0], [15.0, 15.0], [18.0, 18.0], [21.0, 21.0]],
    ),
    "exclusive running sum": (
        "cumsum", {"x": LINE, "axis": 0, "exclusive": True, "reverse": False},
        [0.0, 0.0, 1.0, 3.0, 6.0, 10.0],
    ),
    "exclusive running sum beside something large": (
        "cumsum",
        {"x": torch.tensor([1.0, 1e8, 1.0]), "axis": 0, "exclusive": True, "reverse": False},
        [0.0, 1.0, 1e8],
    ),
    "exclusive running sum from the end": (
        "cumsum", {"x": LINE, "axis": 0, "exclusive": True, "reverse": True},
        [15.0, 14.0, 12.0, 9.0, 5.0, 0.0],
    ),
    "product over two axes": (
        "reduce_prod", {"x": GRID + 1.0, "axes": [0, 1], "keep_dims": False}, 479001600.0,
    ),
    "index of the largest": (
        "reduce_argmax", {"x": -GRID, "axis": 1, "keep_dims": False}, [0.0, 0.0, 0.0],
    ),
    "interleaved concat": (
        "concat",
        {"values": (GRID[:, :2], GRID[:, 2:]), "axis": 0, "interleave": True},
        [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]],
    ),
    "slice backwards": (
        "slice_by_index",
        {"x": LINE, "begin": [-1], "end": [0], "stride": [-2], "end_mask": [True]},
        [5.0, 3.0, 1.0],
    ),
    "slice that squeezes": (
        "slice_by_index",
        {"x": GRID, "begin": [-1, 1], "end": [0, 3], "squeeze_mask": [True, False]},
        [9.0, 10.0],
    ),
    "slice by size to the end": (
        "slice_by_size", {"x": GRID, "begin": [1, 2], "size": [-1, 1]}, [[6.0], [10.0]],
    ),
    "slice update": (
        "slice_update",
        {"x": LINE, "update": torch.tensor([9.0, 8.0]), "begin": [1], "end": [5], "stride": [2]},
        [0.0, 9.0, 2.0, 8.0, 4.0, 5.0],
    ),
    "gather counts from the end": (
        "gather",
        {"x": GRID, "indices": torch.tensor([-1, 0]), "axis": 1, "batch_dims": 0,
         "validate_indices": False},
        [[3.0, 0.0], [7.0, 4.0], [11.0, 8.0]],
    ),
    "gather a batch entry each": (
        "gather",
        {"x": GRID, "indices": torch.tensor([[0], [1], [3]]), "axis": 1, "batch_dims": 1},
        [[0.0], [5.0], [11.0]],
    ),
    "gather along an axis": (
        "gather_along_axis", {"x": GRID, "indices": torch.tensor([[2, 1, 0, 2]]), "axis": 0},
        [[8.0, 5.0, 2.0, 11.0]],
    ),
    "crop": (
        "crop", {"x": SQUARE, "crop_height": [1, 2], "crop_width": [0, 1]},
        [[[[4.0, 5.0, 6.0]]]],
    ),
    "reflect": (
        "pad", {"x": LINE, "pad": [2, 1], "mode": "reflect", "constant_val": 0.0},
        [2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 4.0],
    ),
    "pad the outer of two axes": (
        "pad", {"x": GRID[:1, :2], "pad": [1, 0, 0, 1], "mode": "constant", "constant_val": 7.0},
        [[7.0, 7.0, 7.0], [0.0, 1.0, 7.0]],
    ),
    "space to depth": (
        "space_to_depth", {"x": SQUARE, "block_size": 2},
        [[[[0, 2], [8, 10]], [[1, 3], [9, 11]], [[4, 6], [12, 14]], [[5, 7], [13, 15]]]],
    ),
    "fill like": ("fill_like", {"ref_tensor": GRID[0], "value": 3.0}, [3.0] * 4),
    "resize DEFAULT": (
        "resize_bilinear",
        {"x": ROW, "target_size_height": 1, "target_size_width": 5, "sampling_mode": "DEFAULT"},
        [[[[0.0, 0.4, 0.8, 1.0, 1.0]]]],
    ),
    "resize OFFSET_CORNERS": (
        "resize_bilinear",
        {"x": ROW, "target_size_height": 1, "target_size_width": 5,
         "sampling_mode": "OFFSET_CORNERS"},
        [[[[0.1, 0.3, 0.5, 0.7, 0.9]]]],
    ),
    "resize UNALIGN_CORNERS": (
        "resize_bilinear",
        {"x": ROW, "target_size_height": 1, "target_size_width": 5,
         "sampling_mode": "UNALIGN_CORNERS"},
        [[[[0.0, 0.1, 0.5, 0.9, 1.0]]]],
    ),
    "resize ALIGN_CORNERS to one": (
        "resize_bilinear",
        {"x": ROW, "target_size_height": 1, "target_size_width": 1,
         "sampling_mode": "ALIGN_CORNERS"},
        [[[[0.5]]]],
    ),
    "gelu by tanh": (
        "gelu", {"x": torch.tensor([1.0]), "mode": "TANH_APPROXIMATION"}, [0.8411920],
    ),
    "gelu by sigmoid": (
        "gelu", {"x": torch.tensor([1.0]), "mode": "SIGMOID_APPROXIMATION"}, [0.8457958],
    ),
    "clamped relu": (
        "clamped_relu", {"x": torch.tensor([-2.0, 9.0]), "alpha": 0.5, "beta": 6.0}, [-1.0, 6.0],
    ),
    "sign of what is no number": ("sign", {"x": torch.tensor([np.nan, -3.0])}, [np.nan, -1.0]),
    "threshold of what is no number": (
        "thresholded_relu", {"x": torch.tensor([np.nan, 0.5, 2.0]), "alpha": 1.0},
        [np.nan, 0.0, 2.0],
    ),
    "an open and squeezed axis begins at 0": (
        "slice_by_index",
        {"x": GRID, "begin": [1, 1], "end": [2, 3], "begin_mask": [True, False],
         "squeeze_mask": [True, False]},
        [1.0, 2.0],
    ),
    "softplus of a large number": ("softplus", {"x": torch.tensor([30.0])}, [30.0]),
    "l2 norm over three axes": (
        "l2_norm", {"x": torch.full((1, 1, 2, 2), 3.0), "epsilon": 0.0},
        [[[[0.5, 0.5], [0.5, 0.5]]]],
    ),
    "dequantize a channel": (
        "dequantize",
        {"input": torch.tensor([[2, 4]], dtype=torch.int8), "axis": 1,
         "scale": torch.tensor([0.5, 0.25]), "zero_point": torch.tensor([0, 2], dtype=torch.int8)},
        [[1.0, 0.5]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_operation_means_what_its_documentation_says(name: str) -> None:
    kind, inputs, expected = CASES[name]
    wanted = np.asarray(expected, dtype=np.float32)
    np.testing.assert_allclose(
        run_one(kind, inputs, wanted.shape), wanted, rtol=FEW_OPERATIONS, atol=NEAR_ZERO
    )


def test_quantize_rounds_to_even_and_saturates() -> None:
    codes = run_one(
        "quantize",
        {
            "input": torch.tensor([0.25, 0.75, 99.0, -99.0]),
            "scale": 0.5,
            "zero_point": torch.tensor(1, dtype=torch.int8),
            "output_dtype": "int8",
        },
        (4,),
        torch.int8,
    )
    assert codes.tolist() == [1, 3, 127, -128]


def test_cast_truncates_to_integers() -> None:
    cast = run_one("cast", {"x": torch.tensor([-1.5, 1.5]), "dtype": "int32"}, (2,), torch.int32)
    assert cast.tolist() == [-1, 1]


def test_same_padding_puts_the_odd_row_after() -> None:
    inputs: dict[str, Constant] = {
        "x": torch.arange(4.0).reshape(1, 1, 4), "weight": torch.tensor([[[1.0, 10.0]]]),
        "strides": [1], "dilations": [1], "groups": 1, "pad": [0, 0],
    }  # fmt: skip
    after = run_one("conv", inputs | {"pad_type": "same"}, (1, 1, 4))
    before = run_one("conv", inputs | {"pad_type": "same_lower"}, (1, 1, 4))
    assert after.ravel().tolist() == [10.0, 21.0, 32.0, 3.0]
    assert before.ravel().tolist() == [0.0, 10.0, 21.0, 32.0]


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("gelu", {"x": LINE, "mode": "GUESS"}),
        ("pad", {"x": LINE, "pad": [1, 1], "mode": "circular", "constant_val": 0.0}),
        (
            "resize_bilinear",
            {"x": ROW, "target_size_height": 1, "target_size_width": 1, "sampling_mode": "?"},
        ),
        (
            "avg_pool",
            {"x": SQUARE, "kernel_sizes": [2, 2], "strides": [2, 2], "pad_type": "valid",
             "pad": [0, 0, 0, 0], "exclude_padding_from_average": False, "ceil_mode": True},
        ),
    ],
    ids=["gelu mode", "pad mode", "sampling mode", "ceil mode"],
)  # fmt: skip
def test_unknown_settings_are_refused(kind: str, inputs: dict[str, Constant]) -> None:
    with pytest.raises(ArtifactError, match="expected"):
        run_one(kind, inputs, (1, 1, 1, 1))
