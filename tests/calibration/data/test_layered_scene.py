"""Layered scenes without material: what stands where."""

from __future__ import annotations

import numpy as np

from bokehflow.calibration.data.layered_scene import LayeredScene, make_layered_scene
from bokehflow.calibration.data.split import TRAIN


def _rooms(count: int) -> list[LayeredScene]:
    """Those of so many scenes that are rooms."""
    scenes = (
        make_layered_scene(np.random.default_rng([0, 0, number]), TRAIN, moving=False)
        for number in range(count)
    )
    return [scene for scene in scenes if scene.depth_cues and not scene.sheets[0].far]


def test_cards_stand_within_the_walls_of_their_room() -> None:
    rooms = _rooms(30)
    assert len(rooms) > 5
    for room in rooms:
        half = 0.5 * room.sheets[0].size_m[0]
        for card in room.sheets:
            if card.faces_camera:
                # A tree that is wider than the room stands in its middle.
                assert abs(card.pose[0, 3]) <= max(0.0, half - 0.5 * card.size_m[0])
