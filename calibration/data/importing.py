"""Real sets as clips for training: what is not known of them is marked, and never judged.

A clip's `info.known` says which truths it holds. RealBokeh knows the blurred picture and not the
depth; pictures with guessed depth know the depth and no blurred picture; a film knows neither and
is there to be looked at. A scene is sorted into a split by its name, with all its pictures.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data import davis, pseudo_depth, realbokeh
from bokehflow.calibration.data.clip import Asset, Clip, ClipInfo
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.pinhole import field_of_view_deg
from bokehflow.calibration.data.problems import Problems
from bokehflow.calibration.data.shrinking import shrunk
from bokehflow.calibration.data.split import split_of_name
from bokehflow.errors import InputError, SizeError, UsageError
from bokehflow.media.atomic import output_errors
from bokehflow.media.photo import to_uint8
from bokehflow.optics import Lens, require_field_of_view

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
    are None where they are not known.
    """

    scene: str
    name: str
    frames: Tensor
    inverse_depth: Tensor | None
    bokeh: Tensor | None
    fov_deg: float
    lens: Lens


def import_realbokeh(
    folder: Path, part: str, out: Path, side_px: int, lens: Lens, skip_bad: bool = False
) -> Imported:
    """Pairs as clips of one frame. lens: its focal length, focus and sensor hold for all pairs.

    The set does not say where its photos are focused, so the caller must. side_px: the longer side
    after shrinking. Raises what `find_realbokeh` raises, InputError for photos whose inside is
    damaged unless `skip_bad`, and for two of one scene, f-number and part; and OutputError.
    """
    pairs, problems = realbokeh.find_realbokeh(folder, part, skip_bad)

    def made() -> Iterator[Made]:
        for pair in pairs:
            photos = problems.of_reading(pair.blurred, pair.read, skip_bad)
            if photos is None:
                continue
            sharp, blurred = (shrunk(photo, side_px) for photo in photos)
            own = Lens(lens.focal_length_mm, pair.f_number, lens.focus_m, lens.sensor_width_mm)
            name = f"{part}_{pair.scene}_f{pair.f_number:g}"
            yield Made(pair.scene, name, sharp, None, blurred, field_of_view_deg(own), own)

    return _write(out, "realbokeh", made, problems)


def import_davis(
    folder: Path, out: Path, side_px: int, fov_deg: float, frames: int, skip_bad: bool = False
) -> Imported:
    """Films as clips of `frames` frames in a row; what is left at the end of a film is not used.

    Raises LensError for a field of view that is none, what `find_davis` raises, InputError for
    frames whose inside is damaged unless `skip_bad` leaves their clip out, and OutputError.
    """
    if frames < 1:
        raise UsageError(f"{frames} frames a clip", "at least 1")
    require_field_of_view("fov_deg", fov_deg)
    films, problems = davis.find_davis(folder, skip_bad)

    def made() -> Iterator[Made]:
        for film in films:
            for first in range(0, len(film.frames) - frames + 1, frames):
                seen = problems.of_reading(
                    film.frames[first], functools.partial(film.read, first, frames), skip_bad
                )
                if seen is not None:
                    name, small = f"{film.name}_{first:05d}", shrunk(seen, side_px)
                    yield Made(film.name, name, small, None, None, fov_deg, Lens())

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
    """Pictures with guessed depth as clips of one frame.

    range_m: how far the nearest and the farthest label of every picture are, which a relative label
    does not say; inverse depth lies evenly between. Raises SizeError for a range and LensError for
    a field of view that is none, what `find_pseudo_depth` raises, InputError for pictures and
    labels whose inside is not what it must be unless `skip_bad`, and for two photos of one name;
    and OutputError.
    """
    require_field_of_view("fov_deg", fov_deg)
    nearest, farthest = range_m
    if not 0.0 < nearest < farthest:
        raise SizeError(f"depths from {nearest} m to {farthest} m", "0 < nearest < farthest")
    pairs, problems = pseudo_depth.find_pseudo_depth(photos, labels, skip_bad)

    def made() -> Iterator[Made]:
        for pair in pairs:
            pictures = problems.of_reading(pair.photo, pair.read, skip_bad)
            if pictures is None:
                continue
            photo, label = (shrunk(picture, side_px) for picture in pictures)
            q = 1.0 / farthest + label * (1.0 / nearest - 1.0 / farthest)
            name = pair.photo.stem
            yield Made(name, name, photo, q, None, fov_deg, Lens())

    return _write(out, "pseudo-depth", made, problems)


def _write(
    out: Path, source: str, made: Callable[[], Iterator[Made]], problems: Problems
) -> Imported:
    with output_errors(out):
        (out / source).mkdir(parents=True, exist_ok=True)
    written: set[str] = set()
    for index, one in enumerate(made()):
        if one.name in written:
            raise InputError(
                f"two things to be the clip {source}/{one.name}", "one of each name", "rename one"
            )
        write_clip(out / source / f"{one.name}.npz", _clip(one, source, index))
        written.add(one.name)
    return Imported(len(written), problems.counts())


def _clip(made: Made, source: str, index: int) -> Clip:
    count, _, height, width = made.frames.shape
    q = torch.zeros(count, 1, height, width) if made.inverse_depth is None else made.inverse_depth
    bokeh = made.frames if made.bokeh is None else made.bokeh
    truths = (("depth", made.inverse_depth), ("bokeh", made.bokeh))
    info = ClipInfo(
        source=source,
        split=split_of_name(made.scene),
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
