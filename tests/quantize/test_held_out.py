"""Held-out scenes: at the frame's size, and traced in its shape."""

from __future__ import annotations

import pytest

from bokehflow.calibration.scenes import Scene, make_scene
from bokehflow.quantize import held_out
from bokehflow.quantize.held_out import Limits, Loss
from bokehflow.specs import Size


@pytest.mark.parametrize(
    ("size", "traced"),
    [
        (Size(96, 160), (128, 213)),
        (Size(96, 96), (128, 128)),
        (Size(160, 96), (213, 128)),
    ],
    ids=["landscape", "square", "portrait"],
)
def test_scenes_are_traced_in_the_shape_of_the_frame(
    size: Size, traced: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, ...]] = []

    def quickly(kind: str, seed: int, height: int, width: int, **_: object) -> Scene:
        scene = make_scene(kind, seed, height, width, samples=1)
        made.append(tuple(scene.truth.shape[-2:]))
        return scene

    monkeypatch.setattr(held_out, "make_scene", quickly)
    held_out.held_out_scenes.cache_clear()
    scenes = held_out.held_out_scenes(size)
    assert held_out.held_out_scenes(size) is scenes
    held_out.held_out_scenes.cache_clear()  # others are to have them whole
    assert made == [traced] * len(held_out.HELD_OUT_KINDS)
    for scene in scenes:
        assert scene.frame.shape == scene.truth.shape == (1, 3, size.height, size.width)


def test_what_is_lost_is_never_rounded_to_within_a_limit() -> None:
    lost = held_out.overall([Loss(0.30004, 50.0, 50.0)] * 4)
    assert not Limits(0.3, 40.0).met_by(lost)
    assert held_out.overall([Loss(-0.30004, 50.0, 50.0)]).drop_db == -0.3
