"""Calibration samples: what is drawn, that it is drawn again alike, and bad material."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.sample_folder import find_material, material_files
from bokehflow.calibration.sample_lenses import (
    F_NUMBERS,
    FOCAL_LENGTHS_MM,
    FOCUS_DISTANCES_M,
    calibration_lenses,
)
from bokehflow.calibration.sample_making import HELD_OUT_SEED, SampleRequest, stored_samples
from bokehflow.calibration.sample_set import SampleSet, load_samples
from bokehflow.calibration.sample_sources import share_out
from bokehflow.calibration.sample_statistics import Observer, state_norms
from bokehflow.errors import InputError, UsageError
from bokehflow.layers.segments import TemporalConfig
from bokehflow.layers.temporal import State
from bokehflow.media import VIDEO_SUFFIXES, write_photo
from bokehflow.network import Network
from bokehflow.specs import Size, find_variant
from bokehflow.weights import load_network
from tests.media.samples import Clip, write_clip
from tests.tolerances import FRAME_NUMBER, STATE_NORM

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


def test_photos_may_be_called_what_samples_are(photos: Path) -> None:
    photo = next(photos.iterdir())
    renamed = photo.rename(photo.with_name(f"calibration-1{photo.suffix}"))
    (photos / "calibration-2.npz").write_bytes(b"kept samples")
    assert renamed in material_files(photos)
    assert photos / "calibration-2.npz" not in material_files(photos)


@pytest.mark.parametrize("change", [{"left_out": 5}, {"statistics": None}, {"seed": "0"}], ids=str)
def test_facts_of_other_kinds_are_refused(
    network: Network, photos: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    samples, path = draw(network, tmp_path, source=str(photos), count=2)
    SampleSet(samples.frames, samples.lenses, samples.states, samples.facts | change).save(path)
    with pytest.raises(InputError, match=rf"{path.name} cannot be read: facts\..*expected"):
        load_samples(path)


def test_a_file_that_is_no_archive_is_no_reason_to_unpickle_it(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("no archive")
    for read in (load_samples, read_clip):
        with pytest.raises(InputError, match="it is no archive of arrays"):
            read(tmp_path / "a.npz")


def test_photos_of_one_size_and_date_are_told_apart(network: Network, tmp_path: Path) -> None:
    photo, drawn = tmp_path / "photos" / "a.bmp", []
    photo.parent.mkdir()
    for grey in (50, 200):
        Image.new("RGB", (64, 48), (grey, grey, grey)).save(photo)
        os.utime(photo, (0, 0))
        drawn.append(draw(network, tmp_path, source=str(photo.parent), count=1)[1])
    assert drawn[0] != drawn[1]


def test_nothing_is_calibrated_on_what_it_is_judged_on() -> None:
    with pytest.raises(UsageError, match="judged on"):
        SampleRequest(SIZE, SIZE, seed=HELD_OUT_SEED)


def test_a_changed_file_is_refused(network: Network, photos: Path, tmp_path: Path) -> None:
    samples, path = draw(network, tmp_path, source=str(photos), count=2)
    samples.lenses[0, 0] += 1.0
    np.savez(path, frames=samples.frames)
    with pytest.raises(InputError, match="cannot be read"):
        load_samples(path)


def test_samples_whose_facts_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    np.savez(path, facts=np.frombuffer(b"5", dtype=np.uint8))
    with pytest.raises(InputError, match="cannot be read"):
        load_samples(path)


def test_shares_are_even_and_within_capacity() -> None:
    assert share_out(10, [2, 9, 9]) == [2, 4, 4]
    assert share_out(20, [2, 9, 9]) == [2, 9, 9]


def test_fewer_than_asked_is_refused(network: Network, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 32"):
        draw(network, tmp_path, source=str(photos), count=33)


def test_packaged_material_cannot_be_added_to(network: Network, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name a folder of your own"):
        draw(network, tmp_path, count=5000)


def test_a_file_that_may_not_be_read_is_no_part_of_what_is_drawn(
    network: Network, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = sorted(photos.iterdir())[0]
    opened = Path.open

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(InputError, match="Permission denied"):
        draw(network, tmp_path, source=str(photos), count=2)
    drawn, _ = draw(network, tmp_path, source=str(photos), count=2, skip_bad=True)
    assert all(str(locked) not in origin["from"] for origin in drawn.facts["origins"])


def test_every_video_that_can_be_rendered_is_material(tmp_path: Path) -> None:
    films = [tmp_path / f"film{suffix}" for suffix in VIDEO_SUFFIXES]
    for film in films:
        film.touch()
    assert material_files(tmp_path) == sorted(films)


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


def test_a_video_with_a_bad_frame_is_named_or_used_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, Clip(frames=12, height=128, width=128))
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][6]
        assert packet.pos is not None
        start, stop = packet.pos + 4, packet.pos + packet.size
    content = bytearray(path.read_bytes())
    content[start:stop] = b"\xff" * (stop - start)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"1 of 1 files.*clip\.mp4.*good frames"):
        find_material(tmp_path)
    found = find_material(tmp_path, skip_bad=True)
    assert [item.name for item in found.items] == ["clip.mp4"]
    assert 1 <= found.items[0].capacity < 12
    assert f"after {found.items[0].capacity} good frames" in found.unusable[0]


def numbers_in(samples: SampleSet, written: list[np.ndarray]) -> list[int]:
    """The nearest written frame of each sample, by the blue that moves from frame to frame."""
    apart = np.abs(
        samples.frames.astype(float)[:, None] - np.stack(written).astype(float)[None]
    ).mean(axis=(2, 3, 4))
    return [int(number) for number in apart.argmin(axis=1)]


def test_a_video_gives_frames_in_order(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    written = write_clip(path, Clip(frames=48, height=SIZE.height, width=SIZE.width))
    samples, _ = draw(network, tmp_path, source=str(path), count=10)
    nearest = numbers_in(samples, written)
    # Coding blurs neighbours into each other.
    assert (np.diff(nearest) >= 0).all()
    steps = [origin["frame"] for origin in samples.facts["origins"]]
    assert steps == [1, 9, 16, 24, 32, 1, 2, 3, 4, 5]
    assert nearest[4] - nearest[0] == pytest.approx(31, abs=FRAME_NUMBER)
    assert nearest[-1] - nearest[5] == pytest.approx(4, abs=FRAME_NUMBER)
    assert samples.facts["origins"][5]["from"] == f"clip.mp4 from frame {nearest[5] + 1}"


def test_a_short_video_is_walked_there_and_back(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    written = write_clip(path, Clip(frames=20, height=SIZE.height, width=SIZE.width))
    samples, _ = draw(network, tmp_path, source=str(path), count=4)
    # Frames 1, 11, 22 and 32 of a walk over 20 are its frames 1, 11, 18 and 8.
    assert numbers_in(samples, written) == pytest.approx([0, 10, 17, 7], abs=FRAME_NUMBER)


def test_late_states_are_what_all_frames_before_leave(
    network: Network, photos: Path, tmp_path: Path
) -> None:
    calls: list[tuple[State, State]] = []
    watch = network.register_forward_hook(
        lambda _, given, output: calls.append((given[2], output.next_state))
    )
    try:
        samples, _ = draw(network, tmp_path, source=str(photos / "0.png"), count=4)
    finally:
        watch.remove()
    steps = [origin["frame"] for origin in samples.facts["origins"]]
    assert steps == [1, 11, 22, 32]
    assert len(calls) == 32
    assert all(before[1] is after[0] for before, after in itertools.pairwise(calls))
    for index, step in enumerate(steps):
        for name, carried in calls[step - 1][0]._asdict().items():
            np.testing.assert_array_equal(samples.states[name][index], carried[0].numpy())
    growth = samples.facts["statistics"]["state_growth"]
    assert [row["frame"] for row in growth] == steps
    norms = [state_norms(calls[step - 1][1].scan) for step in steps]
    np.testing.assert_allclose([row["norms"] for row in growth], norms, atol=STATE_NORM)


def test_statistics_are_of_samples_alone(network: Network, photos: Path, tmp_path: Path) -> None:
    samples, _ = draw(network, tmp_path, source=str(photos), count=3)
    observer = Observer(network)
    with observer.watching(), torch.inference_mode():
        for index in range(len(samples)):
            feeds = {name: torch.from_numpy(x) for name, x in samples.feeds(index).items()}
            state = State(*(feeds[f"state_{name}"] for name in State._fields))
            network(feeds["image"], feeds["lens"], state)
    expected, found = observer.facts(), samples.facts["statistics"]
    assert found["gates"] == expected["gates"]
    assert found["layer_inputs"] == expected["layer_inputs"]


def test_a_video_cut_short_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(b"\0" * 64)
    with pytest.raises(InputError, match=r"cut\.mp4"):
        find_material(path)
    with pytest.raises(InputError):
        find_material(path, skip_bad=True)


def test_first_frames_of_cold_segments_are_run_as_often_as_in_use(
    photos: Path, tmp_path: Path
) -> None:
    network, _ = load_network(find_variant("nano"), temporal=TemporalConfig("cold", 4))
    samples, _ = draw(network, tmp_path, source=str(photos / "0.png"), count=2)
    assert samples.facts["origins"][0]["frame"] == 1
    assert samples.states["valid"][0] == 1.0
    assert samples.states["scan"][0].any()
