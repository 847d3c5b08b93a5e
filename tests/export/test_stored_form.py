"""A constant's form gives the same bits from less, and rounds no more than it may."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.export.stored_form import (
    Form,
    Narrowed,
    OneValue,
    OuterSum,
    Plain,
    Tiled,
    half_precision,
    stored_form,
)

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(30, 20)).astype(np.float32)
HALVES = NOISE.astype(np.float16).astype(np.float32)
INTEGERS = RNG.integers(-(2**31), 2**31, 600)
ROWS_AND_COLUMNS = np.arange(600).reshape(20, 30).T.reshape(-1)
BOTH_ZEROS = np.where(np.arange(600).reshape(20, 30) % 2, -0.0, 0.0).astype(np.float32)


def unpacked(form: Form) -> np.ndarray:
    """What a form says it gives."""
    match form:
        case Plain(values):
            return values
        case OneValue(value, shape):
            return np.full(shape, value)
        case OuterSum(outer, inner, shape):
            return (outer.astype(np.int32) + inner.astype(np.int32)).reshape(shape).astype(np.int64)
        case Tiled(part, counts):
            return np.tile(unpacked(part), counts)
        case Narrowed(values, dtype):
            return values.astype(dtype)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(np.full((20, 30), -0.0, np.float32), OneValue, id="one-value"),
        pytest.param(BOTH_ZEROS, Tiled, id="zeros-of-both-signs"),
        pytest.param(np.tile(NOISE, (1, 4)), Tiled, id="repeated"),
        pytest.param(np.tile(HALVES, (1, 4)), Tiled, id="repeated-halves"),
        pytest.param(ROWS_AND_COLUMNS, OuterSum, id="order"),
        pytest.param(ROWS_AND_COLUMNS + 2**40, Plain, id="order-of-large-integers"),
        pytest.param(INTEGERS, Narrowed, id="integers"),
        pytest.param(INTEGERS * 2, Plain, id="large-integers"),
        pytest.param(np.append(INTEGERS, -(2**63)), Plain, id="smallest-integer"),
        pytest.param(HALVES, Narrowed, id="halves"),
        pytest.param(NOISE, Plain, id="floats"),
        pytest.param(NOISE > 0.0, Plain, id="truths"),
    ],
)
def test_a_form_gives_the_same_bits(values: np.ndarray, kind: type[Form]) -> None:
    form = stored_form(values, half_error=0.0)
    assert isinstance(form, kind)
    assert unpacked(form).dtype == values.dtype
    assert unpacked(form).shape == values.shape
    assert unpacked(form).tobytes() == values.tobytes()


def test_floats_stay_what_they_are_where_they_are_to() -> None:
    assert isinstance(stored_form(HALVES, half_error=None), Plain)


@pytest.mark.parametrize("value", [1.0 + 2.0**-12, 1e6, 1e-9], ids=["fine", "large", "small"])
def test_no_float_is_rounded_without_leave(value: float) -> None:
    assert half_precision(np.array([value], np.float32), 0.0) is None


@pytest.mark.parametrize(("value", "is_rounded"), [(1.0 + 2.0**-12, True), (1e6, False)])
def test_floats_are_rounded_as_far_as_they_may(value: float, is_rounded: bool) -> None:
    half = half_precision(np.array([value, 0.5], np.float32), 2.0**-11)
    assert (half is not None) == is_rounded
