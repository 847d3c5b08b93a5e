"""Layered scenes without material: what stands where, and what is behind it."""

from __future__ import annotations

import numpy as np

from bokehflow.calibration.data.layered_clip import LayeredGroup
from bokehflow.calibration.data.layered_scene import LayeredScene, make_layered_scene
from bokehflow.calibration.data.request import DataRequest
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


def test_a_photo_fills_the_tall_views_it_lies_behind() -> None:
    group = LayeredGroup(DataRequest(128, 32, 2, 0, lens_views=False), 0)
    clips = [group.clip(index) for index in (7, 33)]
    assert not any(clip.info.depth_cues for clip in clips)
    assert all((clip.inverse_depth > 0).all() for clip in clips)
