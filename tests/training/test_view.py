"""Views of a clip: the canonical field of view, crops, mirrors and exposure."""

import dataclasses

import numpy as np
import pytest
import torch

from bokehflow.layers.conditioning import blur_radius_map
from bokehflow.model import depth_scale
from bokehflow.optics import Lens, narrowed_fov_deg
from bokehflow.specs import Size
from bokehflow.training.losses import warp
from bokehflow.training.view import (
    View,
    canonical_camera,
    canonical_lens,
    look,
    random_view,
)
from tests.tolerances import FP32_EQUAL, LENS_FORM_REL, OPTICS, RADIUS_PX, VIEW_ASPECT_REL
from tests.training.samples import SIDE_PX, tiny_clip, whole_view

FRAME = Size(SIDE_PX, SIDE_PX)


def test_at_the_canonical_field_of_view_nothing_is_scaled() -> None:
    clip = tiny_clip(1)
    batch = look(clip, whole_view(FRAME), FRAME, clip.info.fov_deg)
    known = clip.tensors()
    assert torch.equal(batch.inverse_depth[0], known.inverse_depth)
    assert batch.lens[0].tolist() == pytest.approx(clip.info.lens.as_tuple())
    torch.testing.assert_close(batch.frames[0], known.frames, atol=FP32_EQUAL, rtol=0.0)


def test_targets_are_true_inverse_depth_times_the_ratio_of_focal_lengths() -> None:
    clip = tiny_clip(2)
    clip = dataclasses.replace(clip, info=dataclasses.replace(clip.info, fov_deg=30.0))
    batch = look(clip, whole_view(FRAME), FRAME, 60.0)
    true = clip.tensors().inverse_depth
    torch.testing.assert_close(batch.inverse_depth[0], true * depth_scale(30.0, 60.0))


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_a_part_of_a_narrow_frame_is_seen_as_any_other(share: float) -> None:
    info = dataclasses.replace(tiny_clip(2).info, fov_deg=1.2)
    scale, _ = canonical_camera(info, share, 60.0)
    assert scale == pytest.approx(depth_scale(1.2, 60.0) / share)


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("fov_deg", [20.0, 75.0])
def test_every_pixel_blurs_as_before(fov_deg: float, share: float) -> None:
    lens, canonical = Lens(85.0, 1.4, 0.5, 36.0), 60.0
    scale = depth_scale(narrowed_fov_deg(fov_deg, share), canonical)
    seen = canonical_lens(lens, scale, share)
    inverse_depth, width = np.linspace(0.0, 4.0, 9), 320
    before = lens.signed_radius_px(inverse_depth, width)
    after = seen.signed_radius_px(inverse_depth * scale, round(width * share))
    np.testing.assert_allclose(after, before, rtol=LENS_FORM_REL, atol=OPTICS)


def test_a_lens_with_room_is_the_one_the_model_would_be_given() -> None:
    lens, scale = Lens(50.0, 2.0, 4.0), 1.7
    seen = canonical_lens(lens, scale, 1.0).as_tuple()
    assert seen == pytest.approx(lens.seen_with_depth_scaled(1.0 / scale).as_tuple())


def test_the_batch_agrees_with_its_clip_on_the_blur() -> None:
    clip = tiny_clip(3)
    view = View(4, 6, 24, 16, True, (1.0, 1.0, 1.0))
    batch = look(clip, view, Size(24, 16), 45.0)
    radius = blur_radius_map(batch.inverse_depth[0], batch.lens, 16)
    known = clip.tensors().inverse_depth
    expected = clip.info.lens.signed_radius_px(known, SIDE_PX)[:, :, 4:28, 6:22].flip(3)
    torch.testing.assert_close(radius, expected, atol=RADIUS_PX, rtol=0.0)


@pytest.mark.parametrize("mirrored", [False, True], ids=["as it is", "mirrored"])
def test_flow_still_leads_to_the_frame_before(mirrored: bool) -> None:
    clip = tiny_clip(4, frames=2)
    batch = look(clip, View(0, 0, 32, 32, mirrored, (1.0, 1.0, 1.0)), Size(32, 32), 60.0)
    moved, inside = warp(batch.inverse_depth[:, 0], batch.flow[:, 0])
    difference = (moved - batch.inverse_depth[:, 1]).abs() * inside
    assert difference.max() < FP32_EQUAL
    assert inside.mean() > 0.9


def test_flow_shrinks_with_the_picture() -> None:
    batch = look(tiny_clip(5, frames=2), whole_view(FRAME), Size(16, 8), 60.0)
    assert set(batch.flow[0, 0, 0].flatten().tolist()) == {-0.25}


def test_random_views_stay_inside_and_keep_the_shape() -> None:
    rng, frame, target = np.random.default_rng(0), Size(50, 70), Size(16, 32)
    for _ in range(50):
        view = random_view(rng, frame, target, 0.4)
        assert view.top + view.height <= frame.height
        assert view.left + view.width <= frame.width
        assert view.width / view.height == pytest.approx(2.0, rel=VIEW_ASPECT_REL)
        assert all(0.0 < gain <= 1.0 for gain in view.gains)
    assert random_view(rng, frame, target, 1.0).width == 70
