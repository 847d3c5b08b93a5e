"""Which clips lie under a folder, by split, whatever else lies there."""

from __future__ import annotations

import dataclasses
import math
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip, read_info, write_clip
from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import HELD_OUT, TRAIN
from bokehflow.errors import InputError, UnknownNameError
from tests.training.samples import tiny_clip, write_clips


def test_each_split_is_found_in_the_order_of_paths(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    write_clips(folder / "films", count=1, frames=3)
    write_clip(folder / "other.npz", tiny_clip(9, split="held-out", depth_cues=False))
    (folder / ".1-003.abcdef.npz").write_bytes(b"a clip that is still being written")
    train = find_clips(folder, TRAIN).entries
    assert [entry.path.name for entry in train] == ["1-000.npz", "1-001.npz", "3-000.npz"]
    assert [entry.frames for entry in train] == [1, 1, 3]
    (other,) = find_clips(folder, HELD_OUT).entries
    assert (other.path.name, other.source, other.depth_cues) == ("other.npz", "made", False)


def test_unreadable_clips_are_listed_or_skipped(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    (folder / "bad.npz").write_bytes(b"no clip")
    with pytest.raises(InputError, match=r"1 clips .*bad\.npz.*--skip-bad"):
        find_clips(folder, TRAIN)
    clips = find_clips(folder, TRAIN, skip_bad=True)
    assert len(clips.entries) == 2
    assert len(clips.unreadable) == 1


def test_a_clip_that_is_damaged_inside_is_found_before_it_is_used(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    path = find_clips(folder, TRAIN).entries[0].path
    with zipfile.ZipFile(path) as archive:
        pictures = archive.getinfo("frames.npy")
    content = bytearray(path.read_bytes())
    content[pictures.header_offset + 60 + pictures.compress_size // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"1 clips .*cannot be read.*--skip-bad"):
        find_clips(folder, TRAIN)
    assert len(find_clips(folder, TRAIN, skip_bad=True).entries) == 1


@pytest.mark.parametrize(("place", "value"), [(8, 1), (6, 99)], ids=["encrypted", "version"])
def test_a_clip_with_another_kind_of_entry_is_a_damaged_one(
    tmp_path: Path, place: int, value: int
) -> None:
    """`zipfile` raises RuntimeError for flags and versions that one flipped bit may set."""
    folder = write_clips(tmp_path / "data", count=2)
    path = folder / "1-000.npz"
    content = bytearray(path.read_bytes())
    start = -1
    while (start := content.find(b"PK\x01\x02", start + 1)) >= 0:
        content[start + place] = value
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"1-000\.npz.*--skip-bad"):
        find_clips(folder, TRAIN)
    assert len(find_clips(folder, TRAIN, skip_bad=True).entries) == 1
    for read in (read_clip, read_info):
        with pytest.raises(InputError, match="cannot be read"):
            read(path)


def test_folders_without_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data folder"):
        find_clips(tmp_path / "nowhere", TRAIN)
    with pytest.raises(InputError, match="no train clip"):
        find_clips(tmp_path, TRAIN)
    folder = write_clips(tmp_path / "data", count=2)
    with pytest.raises(
        InputError, match=r"no held-out clip .* 2 of other splits.*--split held-out"
    ):
        find_clips(folder, HELD_OUT)
    with pytest.raises(UnknownNameError, match="did you mean 'held-out'"):
        find_clips(tmp_path, "held_out")


@pytest.mark.parametrize("name", ["bokeh", "inverse_depth"])
def test_a_clip_whose_arrays_do_not_fit_is_found_before_it_is_used(
    tmp_path: Path, name: str
) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    path = folder / "1-000.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays[name] = arrays[name][:, 1:]
    np.savez_compressed(path, **arrays)
    with pytest.raises(InputError, match=rf"1-000\.npz: {name} of shape"):
        find_clips(folder, TRAIN)
    del arrays[name]
    np.savez_compressed(path, **arrays)
    assert len(find_clips(folder, TRAIN, skip_bad=True).entries) == 1


def _told(**facts: object) -> Clip:
    clip = tiny_clip(1)
    return dataclasses.replace(clip, info=dataclasses.replace(clip.info, **facts))  # type: ignore[arg-type]


def _deep(value: float) -> Clip:
    clip = tiny_clip(1)
    inverse_depth = clip.inverse_depth.copy()
    inverse_depth[0, 3, 4] = value
    return dataclasses.replace(clip, inverse_depth=inverse_depth)


def _flowing(value: float) -> Clip:
    clip = tiny_clip(1, frames=2)
    flow = clip.flow.copy()
    flow[0, 3, 4, 1] = value
    # Where it is not valid it is looked up all the same.
    return dataclasses.replace(clip, flow=flow, flow_valid=np.zeros_like(clip.flow_valid))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: _told(fov_deg="60"), "fov_deg"),
        (lambda: _told(fov_deg=-5.0), "fov_deg"),
        (lambda: _told(split="trian"), "train or held-out"),
        (lambda: _told(lens={"f_number": "1.8"}), "lens"),
        (lambda: _deep(math.nan), "1 of .* inverse depths are NaN"),
        (lambda: _deep(math.inf), "inverse depths are NaN, infinite"),
        (lambda: _deep(-0.5), "or negative"),
        (lambda: _flowing(math.nan), "1 of .* numbers of flow are NaN"),
        (lambda: _flowing(-math.inf), "numbers of flow are NaN or infinite"),
    ],
)
def test_a_clip_of_nonsense_is_an_unreadable_one(
    tmp_path: Path, make: Callable[[], Clip], reason: str
) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    bad = folder / "bad.npz"
    write_clip(bad, make())
    with pytest.raises(InputError, match=rf"bad\.npz.*{reason}"):
        read_clip(bad)
    with pytest.raises(InputError, match=r"1 clips .*bad\.npz.*--skip-bad"):
        find_clips(folder, TRAIN)
    assert len(find_clips(folder, TRAIN, skip_bad=True).entries) == 2


def test_depth_that_is_not_known_may_be_anything(tmp_path: Path) -> None:
    clip = _deep(math.nan)
    info = dataclasses.replace(clip.info, known=("bokeh",))
    write_clip(tmp_path / "a.npz", dataclasses.replace(clip, info=info))
    assert read_clip(tmp_path / "a.npz").info.known == ("bokeh",)
