"""A sheet seen by a camera lies where geometry puts it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bokehflow.calibration.data.pinhole import Pinhole
from bokehflow.calibration.data.pose import camera_pose, shift, turn
from bokehflow.calibration.data.sheet import Sheet, sheet_layer, visible_sheets
from bokehflow.calibration.thin_lens import visible_depth_m
from tests.tolerances import SHEET_DEPTH_REL, SHEET_WIDTH_PX

WHITE = torch.ones(4, 8, 8)


@pytest.mark.parametrize("facing", [True, False], ids=["facing", "fixed"])
def test_a_card_has_its_depth_and_its_size(facing: bool) -> None:
    camera = Pinhole(41, 61, 60.0, camera_pose((0.0, 1.0, 0.0), 0.0, 0.0, 0.0))
    card = Sheet(WHITE, shift(0.0, 0.5, -2.0), (1.0, 1.0), faces_camera=facing)
    layer = sheet_layer(card, camera, 0, 4)
    depth = visible_depth_m([layer])[0]
    assert float(depth[20, 30]) == pytest.approx(2.0)
    across = layer.rgba[3, 8:-8, 8:-8][41].sum() / 2
    assert float(across) == pytest.approx(camera.focal_px / 2.0, abs=SHEET_WIDTH_PX)


def test_a_floor_meets_the_horizon_and_has_the_depth_of_its_rays() -> None:
    camera = Pinhole(40, 40, 60.0, camera_pose((0.0, 1.5, 0.0), 30.0, 0.0, 0.0))
    floor = Sheet(WHITE, shift(0.0, 0.0, 300.0) @ turn(0, -90.0), (600.0, 600.0), 2.0)
    layer = sheet_layer(floor, camera, 0, 4)
    coverage = layer.rgba[3, 8:-8, 8:-8]
    assert float(coverage[:39].max()) == 0.0
    assert float(coverage[60:].min()) == pytest.approx(1.0)
    depth = visible_depth_m([layer])[0, 35, 20]
    assert float(depth) == pytest.approx(1.5 * camera.focal_px / 15.5, rel=SHEET_DEPTH_REL)


def test_the_nearer_sheet_is_the_one_seen() -> None:
    camera = Pinhole(20, 20, 60.0, camera_pose((0.0, 0.5, 0.0), 0.0, 0.0, 0.0))
    sheets = [
        Sheet(WHITE, shift(0.0, -9.5, -5.0), (20.0, 20.0)),
        Sheet(WHITE, shift(0.0, 0.0, -2.0), (0.5, 1.0), faces_camera=True),
    ]
    seen = visible_sheets([sheet_layer(sheet, camera, 0, 4) for sheet in sheets])
    assert seen[10, 10] == 1
    assert seen[10, 1] == 0
    assert np.isin(seen, (0, 1)).all()
