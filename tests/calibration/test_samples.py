"""Calibration samples: what is drawn, that it is drawn again alike, and bad material."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bokehflow.calibration.sample_folder import find_material
from bokehflow.calibration.sample_lenses import (
    F_NUMBERS,
    FOCAL_LENGTHS_MM,
    FOCUS_DISTANCES_M,
    calibration_lenses,
)
from bokehflow.calibration.sample_making import SampleRequest, stored_samples
from bokehflow.calibration.sample_set import SampleSet, load_samples
from bokehflow.calibration.sample_sources import share_out
from bokehflow.errors import InputError, UsageError
from bokehflow.media import write_photo
from bokehflow.network import Network
from bokehflow.specs import Size, find_variant
from bokehflow.weights import load_network
from tests.media.samples import Clip, write_clip

SIZE = Size(32, 48)


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(find_variant("nano"))[0]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        torch.manual_seed(number)
        write_photo(folder / f"{number}.png", torch.rand(1, 3, 64, 80))
    return folder


def draw(network: Network, folder: Path, **wanted: object) -> tuple[SampleSet, Path]:
    request = SampleRequest(SIZE, SIZE, **wanted)  # type: ignore[arg-type]
    return stored_samples(request, network, "0" * 64, folder, lambda: None)


@pytest.mark.parametrize("count", [2, 3, 64], ids=lambda n: f"{n}-lenses")
def test_lenses_reach_both_ends_of_every_range(count: int) -> None:
    lenses = calibration_lenses(count, np.random.default_rng(0))
    assert len(lenses) == count
    for name, (low, high) in {
        "focal_length_mm": FOCAL_LENGTHS_MM,
        "f_number": F_NUMBERS,
        "focus_m": FOCUS_DISTANCES_M,
    }.items():
        values = [getattr(lens, name) for lens in lenses]
        assert (min(values), max(values)) == (low, high)


def test_samples_carry_states_and_are_used_again(
    network: Network, photos: Path, tmp_path: Path
) -> None:
    samples, path = draw(network, tmp_path, source=str(photos), count=5, seed=3)
    again, same = draw(network, tmp_path, source=str(photos), count=5, seed=3)
    other, elsewhere = draw(network, tmp_path, source=str(photos), count=5, seed=4)
    assert path == same != elsewhere
    assert samples.sha256() == again.sha256() != other.sha256()
    first = [origin["frame"] == 1 for origin in samples.facts["origins"]]
    assert samples.states["valid"][:, 0].tolist() == [float(not f) for f in first]
    assert not samples.states["scan"][first].any()
    assert samples.states["scan"][np.logical_not(first)].any()
    growth = samples.facts["statistics"]["state_growth"]
    assert all(norm > 0 for step in growth for norm in step["norms"])
    assert samples.facts["statistics"]["layer_inputs"]["stem.first"]["max"] <= 1.0


def test_samples_may_lie_among_the_photos(network: Network, photos: Path) -> None:
    _, path = draw(network, photos, source=str(photos), count=2)
    samples, again = draw(network, photos, source=str(photos), count=2)
    assert path == again
    assert samples.facts["left_out"] == []
    _, other = draw(network, photos, source=str(photos), count=2, seed=1)
    assert other != path


def test_a_changed_file_is_refused(network: Network, photos: Path, tmp_path: Path) -> None:
    samples, path = draw(network, tmp_path, source=str(photos), count=2)
    samples.lenses[0, 0] += 1.0
    np.savez(path, frames=samples.frames)
    with pytest.raises(InputError, match="cannot be read"):
        load_samples(path)


def test_shares_are_even_and_within_capacity() -> None:
    assert share_out(10, [2, 9, 9]) == [2, 4, 4]
    assert share_out(20, [2, 9, 9]) == [2, 9, 9]


def test_fewer_than_asked_is_refused(network: Network, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 32"):
        draw(network, tmp_path, source=str(photos), count=33)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no photo, video or clip"):
        find_material(tmp_path)


def test_a_bad_photo_is_named_or_left_out(photos: Path) -> None:
    bad = photos / "bad.jpg"
    bad.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1 of 3 files.*bad\.jpg"):
        find_material(photos)
    found = find_material(photos, skip_bad=True)
    assert [item.name for item in found.items] == ["0.png", "1.png"]
    assert len(found.unusable) == 1


def test_a_video_gives_frames_in_order(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    written = write_clip(path, Clip(frames=12, height=SIZE.height, width=SIZE.width))
    samples, _ = draw(network, tmp_path, source=str(path), count=10)
    # The nearest written frame of each sample, by the blue that moves from frame to frame.
    apart = np.abs(
        samples.frames.astype(float)[:, None] - np.stack(written).astype(float)[None]
    ).mean(axis=(2, 3, 4))
    nearest = apart.argmin(axis=1)
    # Coding blurs neighbours into each other.
    assert (np.diff(nearest) >= 0).all()
    assert nearest[-1] - nearest[0] >= 8
    assert {origin["frame"] for origin in samples.facts["origins"]} == {1, 2, 3, 4, 5}


def test_a_video_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(b"\0" * 64)
    with pytest.raises(InputError, match=r"cut\.mp4"):
        find_material(path)
    with pytest.raises(InputError):
        find_material(path, skip_bad=True)
