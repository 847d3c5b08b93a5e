"""The lens and focus options, and what they add up to."""

from __future__ import annotations

import math

import pytest

from bokehflow.cli.lens_options import LensValues, focus_from_options, lens_values
from bokehflow.errors import LensError, UsageError
from bokehflow.focus import provisional_focus_m


def test_one_focus_rule_at_most() -> None:
    assert focus_from_options(None, None, False).rule == "autofocus"
    assert focus_from_options(None, None, True).rule == "autofocus"
    assert focus_from_options(2.0, None, False).rule == "given"
    assert focus_from_options(None, "1,2", False).rule == "point"
    with pytest.raises(UsageError, match="--focus-m and --autofocus"):
        focus_from_options(2.0, None, True)
    with pytest.raises(UsageError, match="--focus-m and --focus-point"):
        focus_from_options(2.0, "1,2", False)


def test_lens_defaults_are_those_of_the_lens() -> None:
    assert lens_values(None, None, None, None) == LensValues(50.0, 1.8, 36.0)
    assert lens_values(85.0, None, 23.5, None) == LensValues(85.0, 1.8, 23.5)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_impossible_lens_values_are_told_before_any_work(value: float) -> None:
    for values in ((value, None, None), (None, value, None), (None, None, value)):
        with pytest.raises(LensError):
            lens_values(*values, None)


def test_a_long_lens_can_look_before_it_focuses() -> None:
    lens = LensValues(2000.0, 8.0, 36.0)
    assert lens.focused_at(provisional_focus_m(lens.focal_length_mm)).focus_m > 2.0
