"""Batches made from the clips' files."""

from __future__ import annotations

import functools
from collections.abc import Generator

import torch

from bokehflow.calibration.data.clip import Clip
from bokehflow.optics import Lens, narrowed_fov_deg
from bokehflow.specs import Size
from bokehflow.training.ahead import Making, made_ahead
from bokehflow.training.batch import Batch, stack
from bokehflow.training.camera_look import through_camera
from bokehflow.training.draws import Draw, Drawing, StepDraws
from bokehflow.training.found import read_found
from bokehflow.training.pan import look_along
from bokehflow.training.turn import Turn, turn_views, turned_view
from bokehflow.training.view import View, axis_in, canonical_camera, look


def batches(
    drawing: Drawing, first_step: int, part: tuple[int, int], workers: int
) -> Generator[Batch]:
    """The batches from `first_step` to the run's end, made ahead by so many processes.

    part: process part[0] of part[1], each with an equal share of every batch.
    """
    config = drawing.config
    making = Making(drawing, part, functools.partial(batch_of, config.canonical_fov_deg))
    return made_ahead(making, range(first_step, config.total_steps), workers)


def batch_of(canonical_fov_deg: float, draws: StepDraws) -> Batch:
    """What was drawn, read from the clips' files."""
    renders = draws.stage.renders
    return stack([_sample(draw, draws.size, canonical_fov_deg, renders) for draw in draws.samples])


def excerpt(clip: Clip, first: int, frames: int) -> Clip:
    """`frames` frames of a clip from the frame `first` on."""
    within, between = slice(first, first + frames), slice(first, first + frames - 1)
    return Clip(
        clip.frames[within],
        clip.inverse_depth[within],
        clip.bokeh[within],
        clip.flow[between],
        clip.flow_valid[between],
        clip.info,
    )


def _sample(draw: Draw, size: Size, canonical_fov_deg: float, renders: bool) -> Batch:
    """One clip as it was drawn, a batch of one."""
    clip = read_found(draw.entry)
    if draw.filmed:
        film = excerpt(clip, draw.first, len(draw.views))
        batch = look(film, draw.views[0], size, canonical_fov_deg, with_bokeh=renders)
    else:
        still = excerpt(clip, draw.first, 1)
        batch = look_along(still, draw.views, size, canonical_fov_deg, with_bokeh=renders)
    if draw.turn is not None:
        batch = _turned(batch, draw.turn, clip, draw.views[0], canonical_fov_deg)
    if draw.told is not None:
        told = draw.told.beside(Lens(*batch.lens[0].tolist()))
        batch = batch._replace(lens=torch.tensor([told.as_tuple()]))
    if draw.look is None:
        return batch
    return batch._replace(frames=through_camera(batch.frames[0], draw.look)[None])


def _turned(batch: Batch, turn: Turn, clip: Clip, view: View, canonical_fov_deg: float) -> Batch:
    """A view of a clip as the turned camera sees it."""
    target, share = Size(*batch.frames.shape[3:]), view.width / clip.size[1]
    fov_deg = narrowed_fov_deg(clip.info.fov_deg, share)
    seen = turned_view(turn, fov_deg, target, axis_in(view, Size(*clip.size)))
    frames, depth = turn_views(
        batch.frames, batch.inverse_depth, torch.tensor(seen.to_source)[None]
    )
    _, lens = canonical_camera(clip.info, share / seen.zoom, canonical_fov_deg)
    return batch._replace(
        frames=frames,
        bokeh=frames,
        inverse_depth=depth * seen.zoom,
        lens=torch.tensor([lens.as_tuple()]),
    )
