"""Real sets as clips for training: what is not known of them is marked, and never judged.

A clip's `info.known` says which truths it holds. RealBokeh knows the blurred picture and not the
depth; pictures with guessed depth know the depth and no blurred picture; a film knows neither and
is there to be looked at. A scene is sorted into a split by its name, with all its pictures, unless
the set itself holds it out. Of pictures with guessed depth each is taken for a scene of its own:
nothing tells which of them show the same.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bokehflow.atomic import make_folder
from bokehflow.calibration.data import davis, pseudo_depth, realbokeh
from bokehflow.calibration.data.clip import ARRAYS, Asset, Clip, ClipInfo
from bokehflow.calibration.data.clip_file import read_clip, write_clip
from bokehflow.calibration.data.problems import Problems
from bokehflow.calibration.data.shrinking import picked, shrunk
from bokehflow.calibration.data.split import HELD_OUT, split_of_name
from bokehflow.errors import InputError, SizeError, UsageError
from bokehflow.media.levels import to_uint8
from bokehflow.optics import Lens, narrowed_fov_deg, require_field_of_view

SMALLEST_DEPTH_M = 1e-4
"""The inverse of a nearer one does not fit the half precision of clips."""
LICENCE = "see the set's own terms"


@dataclass(frozen=True, slots=True)
class Imported:
    """Number of clips written, and the files that were left out by kind."""

    clips: int
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class Made:
    """A clip still without a number: its scene, its file's name, pictures, truths and camera.

    frames, bokeh: [n, 3, H, W] sRGB; inverse_depth: [n, 1, H, W] in 1/m. bokeh and inverse_depth
    are None where they are not known. held_out: whether the set itself keeps it from training.
    """

    scene: str
    name: str
    frames: Tensor
    inverse_depth: Tensor | None
    bokeh: Tensor | None
    fov_deg: float
    lens: Lens
    held_out: bool = False


def import_realbokeh(
    folder: Path, part: str, out: Path, side_px: int, lens: Lens, skip_bad: bool = False
) -> Imported:
    """Pairs as clips of one frame, those of every part but train held out.

    lens: its focus and sensor hold for all pairs, which the set does not tell, and its focal length
    for those whose blurred photo has no FocalLength among its EXIF tags: the set was taken at
    several. side_px: the longer side after shrinking. Raises what `find_realbokeh` raises,
    InputError for photos whose inside is damaged, or whose focal length and f-number are of no lens
    at that focus, unless `skip_bad`, and OutputError.
    """
    pairs, problems = realbokeh.find_realbokeh(folder, part, skip_bad)

    def made() -> Iterator[Made]:
        """Every pair that can be read, one clip each."""
        for pair in pairs:
            read = problems.of_reading(pair.blurred, functools.partial(_read, pair, lens), skip_bad)
            if read is None:
                continue
            sharp, blurred, own = read
            name = f"{part}_{pair.name}"
            fov_deg, held_out = own.field_of_view_deg, part != realbokeh.TRAIN_PART
            photos = shrunk(sharp, side_px), None, shrunk(blurred, side_px)
            yield Made(pair.scene, name, *photos, fov_deg, own, held_out)

    return _write(out, "realbokeh", made, problems)


def _read(pair: realbokeh.BokehPair, lens: Lens) -> tuple[Tensor, Tensor, Lens]:
    """Its photos, and `lens` as it took the blurred one. Raises MediaError, and LensError where
    what is told of it is no lens."""
    sharp, blurred = pair.read()
    own = dataclasses.replace(
        lens,
        focal_length_mm=pair.focal_length_mm or lens.focal_length_mm,
        f_number=pair.f_number,
        sensor_width_mm=lens.sensor_width_mm * _width_share(sharp),
    )
    require_field_of_view(f"the field of view at {own.focal_length_mm:g} mm", own.field_of_view_deg)
    return sharp, blurred, own


def import_davis(
    folder: Path, out: Path, side_px: int, fov_deg: float, frames: int, skip_bad: bool = False
) -> Imported:
    """Films as clips of `frames` frames in a row; what is left at the end of a film is not used,
    and films that are shorter are counted.

    fov_deg: across the longer side of a frame.
    Raises LensError for a field of view that is none, what `find_davis` raises, InputError for
    frames whose inside is damaged unless `skip_bad` leaves their clip out, and OutputError.
    """
    if frames < 1:
        raise UsageError(f"{frames} frames a clip", "at least 1")
    require_field_of_view("fov_deg", fov_deg)
    films, problems = davis.find_davis(folder, skip_bad)

    def made() -> Iterator[Made]:
        """Every film in clips of so many frames."""
        for film in films:
            if len(film.frames) < frames:
                problems.add("too short", film.frames[0].parent, f"{len(film.frames)} frames")
            for first in range(0, len(film.frames) - frames + 1, frames):
                seen = problems.of_reading(
                    film.frames[first], functools.partial(film.read, first, frames), skip_bad
                )
                if seen is not None:
                    name, small = f"{film.name}_{first:05d}", shrunk(seen, side_px)
                    own_deg = narrowed_fov_deg(fov_deg, _width_share(seen))
                    yield Made(film.name, name, small, None, None, own_deg, Lens())

    return _write(out, "davis", made, problems)


def import_pseudo_depth(
    photos: Path,
    labels: Path,
    out: Path,
    side_px: int,
    fov_deg: float,
    range_m: tuple[float, float],
    skip_bad: bool = False,
) -> Imported:
    """Pictures with guessed depth as clips of one frame, each sorted into a split by its own name:
    frames of one film come to lie in both.

    fov_deg: across the longer side of a picture. range_m: how far the nearest and the farthest
    label of every picture are, which a relative label does not say; inverse depth lies evenly
    between, and is judged like any other: metres are as good as that range. Raises SizeError for a
    range and LensError for a field of view that is none, what `find_pseudo_depth` raises,
    InputError for pictures and labels whose inside is not what it must be unless `skip_bad`, and
    OutputError.
    """
    require_field_of_view("fov_deg", fov_deg)
    nearest, farthest = range_m
    if not SMALLEST_DEPTH_M <= nearest < farthest:
        raise SizeError(
            f"depths from {nearest} m to {farthest} m",
            f"{SMALLEST_DEPTH_M:g} <= nearest < farthest",
        )
    pairs, problems = pseudo_depth.find_pseudo_depth(photos, labels, skip_bad)

    def made() -> Iterator[Made]:
        """Every picture that can be read, one clip each."""
        for pair in pairs:
            pictures = problems.of_reading(pair.photo, pair.read, skip_bad)
            if pictures is None:
                continue
            photo, label = shrunk(pictures[0], side_px), picked(pictures[1], side_px)
            q = 1.0 / farthest + label * (1.0 / nearest - 1.0 / farthest)
            name, own_deg = pair.photo.stem, narrowed_fov_deg(fov_deg, _width_share(pictures[0]))
            yield Made(name, name, photo, q, None, own_deg, Lens())

    return _write(out, "pseudo-depth", made, problems)


def _width_share(pictures: Tensor) -> float:
    """The width of [..., H, W] over its longer side: what is taken upright shows the sensor's short
    side across."""
    height, width = pictures.shape[-2:]
    return min(1.0, width / height)


def _write(
    out: Path, source: str, made: Callable[[], Iterator[Made]], problems: Problems
) -> Imported:
    make_folder(out / source)
    written = 0
    for one in made():
        path, clip = out / source / f"{one.name}.npz", _clip(one, source, written)
        if path.exists():
            _require_same(path, clip)
        else:
            write_clip(path, clip)
        written += 1
    if not written:
        problems.settle(f"{source}: no clip to write", written, skip_bad=True)
    return Imported(written, problems.counts())


def _require_same(path: Path, clip: Clip) -> None:
    """Raise InputError for a file that holds another clip than this one, whatever their numbers."""
    there = read_clip(path)
    numbered = dataclasses.replace(clip.info, index=there.info.index)
    arrays = all(np.array_equal(getattr(there, name), getattr(clip, name)) for name in ARRAYS)
    if there.info != numbered or not arrays:
        raise InputError(
            f"{path} holds another clip of that name",
            "the one that an earlier import of the same files wrote",
            "import into another folder, or remove it",
        )


def _clip(made: Made, source: str, index: int) -> Clip:
    # Of what was taken upright it is narrower than that which was given.
    require_field_of_view(f"the field of view of {made.name}", made.fov_deg)
    count, _, height, width = made.frames.shape
    q = torch.zeros(count, 1, height, width) if made.inverse_depth is None else made.inverse_depth
    bokeh = made.frames if made.bokeh is None else made.bokeh
    truths = (("depth", made.inverse_depth), ("bokeh", made.bokeh))
    info = ClipInfo(
        source=source,
        split=HELD_OUT if made.held_out else split_of_name(made.scene),
        seed=0,
        index=index,
        fov_deg=made.fov_deg,
        lens=made.lens,
        depth_cues=made.inverse_depth is not None,
        assets=(Asset(made.scene, source, "unknown", LICENCE),),
        known=tuple(name for name, truth in truths if truth is not None),
    )
    return Clip(
        frames=_eight_bits(made.frames),
        inverse_depth=q[:, 0].numpy().astype(np.float16),
        bokeh=_eight_bits(bokeh),
        flow=np.zeros((count - 1, height, width, 2), dtype=np.float16),
        flow_valid=np.zeros((count - 1, height, width), dtype=np.bool_),
        info=info,
    )


def _eight_bits(pictures: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.stack([to_uint8(picture[None]) for picture in pictures])
