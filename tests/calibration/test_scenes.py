"""Scenes: the same bytes twice, the promised shapes, and files that give back what they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.scene_files import find_scenes, read_scene, write_scene
from bokehflow.calibration.scenes import (
    LARGEST_RADIUS_AT_480_PX,
    SCENE_KINDS,
    Scene,
    make_scene,
)
from bokehflow.errors import InputError, SizeError, UnknownNameError
from tests import tolerances as tol

HEIGHT, WIDTH = 61, 83


def small(kind: str, seed: int = 0, samples: int = 16, blades: int = 0) -> Scene:
    return make_scene(kind, seed, HEIGHT, WIDTH, aperture=Aperture(blades), samples=samples)


@pytest.mark.parametrize("kind", SCENE_KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_kind_holds_what_a_scene_promises(kind: str, seed: int) -> None:
    scene = small(kind, seed)
    assert scene.frame.shape == scene.truth.shape == (1, 3, HEIGHT, WIDTH)
    assert scene.depth_m.shape == (1, 1, HEIGHT, WIDTH)
    levels = scene.frame * 255.0
    torch.testing.assert_close(levels, levels.round(), atol=tol.LEVELS_FP32, rtol=0)
    assert bool((scene.depth_m > 0).all())
    assert bool(scene.depth_m.isfinite().all())
    assert 0.0 <= float(scene.truth.min()) <= float(scene.truth.max()) <= 1.0
    largest = float(scene.radius_px.abs().max()) * 480 / WIDTH
    assert 5.0 < largest <= LARGEST_RADIUS_AT_480_PX
    # A scene that a lens hardly changes would judge nobody.
    assert float((scene.frame - scene.truth).abs().mean()) > tol.SCENE_LEAST_CHANGE


@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_two_runs_give_the_same_bytes_and_two_seeds_do_not(kind: str) -> None:
    first, again, other = small(kind), small(kind), small(kind, seed=1)
    for name in ("frame", "depth_m", "truth"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert first.lens == again.lens
    assert not torch.equal(first.frame, other.frame)


def test_a_portrait_frame_has_its_own_truth() -> None:
    scene = make_scene("portrait", 3, 83, 61, samples=16)
    assert scene.truth.shape == (1, 3, 83, 61)
    assert float((scene.frame - scene.truth).abs().mean()) > tol.SCENE_LEAST_CHANGE


def test_blades_change_the_truth_and_nothing_else() -> None:
    disk, triangle = small("lights", samples=64), small("lights", samples=64, blades=3)
    assert torch.equal(disk.frame, triangle.frame)
    assert triangle.blades == 3
    assert not torch.equal(disk.truth, triangle.truth)


def test_what_is_in_focus_stays_as_it_is() -> None:
    """Inside the occluder's sharp background, far from any bar, truth and frame are one."""
    scene = make_scene("occluder", 0, 120, 160, samples=64)
    near = (scene.radius_px > 0.5).float()
    reach = 2 * 9 + 1
    clear = torch.nn.functional.max_pool2d(near, reach, stride=1, padding=reach // 2) == 0
    difference = (scene.frame - scene.truth).abs().amax(dim=1, keepdim=True)[clear]
    assert difference.numel() > 1000
    assert float(difference.median()) <= tol.EIGHT_BIT_HALF_STEP


@pytest.mark.parametrize(
    ("kind", "height", "error"),
    [("portait", 64, UnknownNameError), ("portrait", 20, SizeError)],
    ids=["misspelt", "too small"],
)
def test_a_scene_that_cannot_be_made_is_refused(
    kind: str, height: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        make_scene(kind, 0, height, 64)


def test_files_give_back_the_scene(tmp_path: Path) -> None:
    scene = small("ground", blades=6)
    place = write_scene(scene, tmp_path)
    assert find_scenes(tmp_path) == [place]
    # Editors may begin a text with the mark of its encoding.
    (place / "lens.json").write_text((place / "lens.json").read_text(), encoding="utf-8-sig")
    again = read_scene(place)
    assert (again.name, again.lens, again.aperture) == (scene.name, scene.lens, scene.aperture)
    torch.testing.assert_close(again.frame, scene.frame, atol=tol.FEW_OPERATIONS, rtol=0)
    assert torch.equal(again.depth_m, scene.depth_m)
    torch.testing.assert_close(again.truth, scene.truth, atol=tol.EIGHT_BIT_HALF_STEP, rtol=0)


def test_a_folder_without_scenes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lens\.json"):
        find_scenes(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("[]", r"it is \[\]; expected keys with values"),
        ("[" * 100000, "recursion.*; expected what write_scene wrote"),
        ({"f_number": None}, "f_number is None; expected a finite number"),
        ({"focus_m": float("nan")}, "focus_m is nan; expected a finite number"),
        ({"focus_m": 0.01}, "inside the focal length"),
        ({"blades": 5.5}, "blades is 5.5; expected a whole number"),
        ({"blades": 1}, "blades=1; expected 0 for a disk"),
        ({"blade_rotation_deg": True}, "blade_rotation_deg is True; expected a finite number"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 100 else "",
)
def test_a_lens_file_that_says_no_lens_is_refused(
    tmp_path: Path, change: str | dict[str, object], message: str
) -> None:
    place = write_scene(small("hair"), tmp_path)
    path = place / "lens.json"
    if isinstance(change, dict):
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    else:
        path.write_text(change)
    with pytest.raises(InputError, match=rf"lens\.json cannot be read: .*{message}"):
        read_scene(place)
