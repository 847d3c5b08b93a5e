"""Whose work a scene shows."""

from __future__ import annotations

import dataclasses

from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.furniture import LICENCES, Furniture
from bokehflow.calibration.data.layout import Body, Layout
from bokehflow.calibration.data.pose import shift

CHAIR = Furniture(
    "chair", next(iter(LICENCES)), "chair.obj", "seats", (), (0.5, 0.9, 0.5), None, 0.0, None,
    False, "One",
)  # fmt: skip


def test_works_of_one_name_are_all_told_and_each_once() -> None:
    other = dataclasses.replace(CHAIR, author="Another")
    fabric = Asset("chair", "file chair.png", "A third", "CC0-1.0")
    bodies = [Body(item, shift(0.0, 0.0, -2.0)) for item in (CHAIR, other, CHAIR)]
    layout = Layout(((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), bodies, assets=[fabric, fabric])
    assert set(layout.all_assets()) == {CHAIR.asset, other.asset, fabric}
    assert len(layout.all_assets()) == 3
