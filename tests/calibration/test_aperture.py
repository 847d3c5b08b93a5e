"""The lens samples cover disk and polygons evenly, whatever the number of blades."""

from __future__ import annotations

import math

import pytest
import torch

from bokehflow.calibration.aperture import Aperture, lens_samples, samples_for
from bokehflow.errors import LensError
from tests import tolerances as tol

BLADES = [0, 3, 5, 6, 8]


@pytest.mark.parametrize("blades", BLADES)
@pytest.mark.parametrize("rotation_deg", [0.0, 17.0])
def test_second_moments_are_those_of_the_shape(blades: int, rotation_deg: float) -> None:
    points = lens_samples(Aperture(blades, rotation_deg), 1024)
    # Of the unit disk 1/4 an axis; of the polygon with circumradius 1, (2 + cos(2 pi/n)) / 12.
    expected = 0.25 if blades == 0 else (2 + math.cos(2 * math.pi / blades)) / 12
    covariance = points.T @ points / len(points)
    torch.testing.assert_close(
        covariance, expected * torch.eye(2, dtype=torch.float64), atol=tol.LENS_MOMENT, rtol=0
    )
    assert float(points.mean(dim=0).abs().max()) < tol.LENS_CENTRE


@pytest.mark.parametrize("blades", BLADES[1:])
def test_points_lie_inside_the_polygon(blades: int) -> None:
    aperture = Aperture(blades, 10.0)
    points = lens_samples(aperture, 500)
    apothem = math.cos(math.pi / blades)
    sides = torch.arange(blades) * 2 * math.pi / blades + math.pi / blades + math.radians(10.0)
    normals = torch.stack([torch.cos(sides), torch.sin(sides)]).to(points.dtype)
    # The centring moves the cloud by less than a hundredth.
    assert float((points @ normals).max()) < apothem + 0.01


def test_a_corner_points_right_at_rotation_zero_and_down_at_ninety() -> None:
    start = torch.tensor(0.0, dtype=torch.float64)
    right = Aperture(6).boundary(start)
    down = Aperture(6, 90.0).boundary(start)
    torch.testing.assert_close(right, torch.tensor([1.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(down, torch.tensor([0.0, 1.0], dtype=torch.float64))


def test_sample_count_follows_the_area() -> None:
    assert samples_for(0.0) == 256
    assert samples_for(20.0) == math.ceil(math.pi * 400)


@pytest.mark.parametrize("blades", [1, 2, -3])
def test_impossible_blades_are_refused(blades: int) -> None:
    with pytest.raises(LensError, match="0 for a disk"):
        Aperture(blades)


def test_no_samples_is_refused() -> None:
    with pytest.raises(LensError):
        lens_samples(Aperture(), 0)
