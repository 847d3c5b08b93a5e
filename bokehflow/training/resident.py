"""Clips held on the device, and batches cut from them there.

Reading a clip and cutting a view of it takes a processor longer than a GPU needs for the step, so
many processes hardly keep one busy. Held as bytes, thousands of clips fit on it; what processes
then make ahead are numbers alone.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.errors import DeviceError
from bokehflow.training.ahead import Making, made_ahead
from bokehflow.training.batch import Batch
from bokehflow.training.camera_look import through_cameras
from bokehflow.training.cuts import NO_FLOW, Cuts, Cutting, Place
from bokehflow.training.draws import Drawing
from bokehflow.training.found import read_found
from bokehflow.training.resampling import nearest, pick, resize, smoothing
from bokehflow.training.turn import turn_views
from bokehflow.training.view import exposed


class ResidentClips:
    """All frames of some clips, on one device.

    frames, bokeh: uint8 [N, H, W, 3]; inverse_depth: float16 [N, H, W]; flow: float16
    [M, H, W, 2]; flow_valid: bool [M, H, W]; H and W are the largest of any clip. places: where
    each clip's begin.
    """

    def __init__(self, entries: Sequence[FoundClip], device: torch.device, readers: int) -> None:
        """readers: clips read at a time. Raises InputError for one that cannot be read
        or has changed since it was found, and DeviceError where they do not fit on the device."""
        self.device = device
        self.places: dict[Path, Place] = {}
        frames = sum(entry.frames for entry in entries)
        flows = max(1, sum(entry.frames - 1 for entry in entries))
        height = max(entry.size.height for entry in entries)
        width = max(entry.size.width for entry in entries)
        try:
            self.frames = self._room(torch.uint8, frames, height, width, 3)
            self.bokeh = self._room(torch.uint8, frames, height, width, 3)
            self.inverse_depth = self._room(torch.float16, frames, height, width)
            self.flow = self._room(torch.float16, flows, height, width, 2)
            self.flow_valid = self._room(torch.bool, flows, height, width)
        except RuntimeError as error:  # of these calls, that there is no room
            raise DeviceError(
                f"{frames} frames of {height}x{width} do not fit on {device}",
                "a device with room for all clips",
                "train without --resident, or on fewer clips",
            ) from error
        first_frame = first_flow = 0
        with ThreadPoolExecutor(max(1, readers)) as pool:
            for entry, clip in zip(entries, pool.map(read_found, entries), strict=True):
                self.places[entry.path] = Place(first_frame, first_flow, clip.info)
                self._put(clip, first_frame, first_flow)
                first_frame, first_flow = first_frame + entry.frames, first_flow + entry.frames - 1

    def batch(self, cuts: Cuts) -> Batch:
        """The batch of these cuts. The same as `clips.batch_of` makes of the samples' files,
        but for the noise of their cameras."""
        cuts = cuts.to(self.device)
        count, target = cuts.frames.shape[1], cuts.target
        mirrored = cuts.mirrored.repeat_interleave(count)
        upright = torch.zeros_like(mirrored)
        top, left, height, width = cuts.box.flatten(0, 1).unbind(1)
        numbers = cuts.frames.flatten()
        rows = smoothing(top, height, self.frames.shape[1], target.height, upright)
        columns = smoothing(left, width, self.frames.shape[2], target.width, mirrored)
        rows_near = nearest(top, height, target.height, upright)
        columns_near = nearest(left, width, target.width, mirrored)
        gains = cuts.gains.repeat_interleave(count, 0).view(-1, 3, 1, 1)

        def pictures(held: Tensor) -> Tensor:
            whole = held[numbers].permute(0, 3, 1, 2).float() / 255.0
            seen = exposed(resize(whole, rows, columns).clamp(0.0, 1.0), gains)
            return _by_clip(seen, count)

        depth = pick(self.inverse_depth[numbers], rows_near, columns_near).float()
        depth, plain = _by_clip(depth[:, None], count), pictures(self.frames)
        if cuts.turns is not None:
            plain, depth = turn_views(plain, depth, cuts.turns)
        frames = plain
        if cuts.looks is not None:
            noise = torch.empty_like(plain).normal_(generator=self._seeded(cuts.seed))
            frames = through_cameras(plain, cuts.looks, noise)
        flow, flow_valid = self._flow(cuts, rows_near, columns_near)
        return Batch(
            frames=frames,
            bokeh=pictures(self.bokeh) if cuts.renders else plain,
            inverse_depth=depth * cuts.scale.view(-1, 1, 1, 1, 1),
            flow=flow,
            flow_valid=flow_valid,
            lens=cuts.lens,
            depth_cues=cuts.depth_cues,
        )

    def _room(self, dtype: torch.dtype, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def _put(self, clip: Clip, first_frame: int, first_flow: int) -> None:
        height, width = clip.size
        for name in ("frames", "bokeh", "inverse_depth", "flow", "flow_valid"):
            values = torch.from_numpy(getattr(clip, name))
            first = first_flow if name.startswith("flow") else first_frame
            held: Tensor = getattr(self, name)
            held[first : first + len(values), :height, :width].copy_(values)

    def _flow(self, cuts: Cuts, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Flow and where it is valid, as in a `Batch`: that of the clips, or that of the pans."""
        batch, steps = cuts.flows.shape
        shape = (batch, steps, cuts.target.height, cuts.target.width)
        held = cuts.flows.clamp(min=0).flatten()
        rows, columns = (_by_clip(x, steps + 1)[:, 1:].flatten(0, 1) for x in (rows, columns))
        height, width = cuts.box[:, 1:, 2], cuts.box[:, 1:, 3]
        across = torch.where(cuts.mirrored, -1.0, 1.0)[:, None] * cuts.target.width / width
        zoom = torch.stack([across, cuts.target.height / height], dim=2)[..., None, None]
        flow = pick(self.flow[held], rows, columns).float().view(*shape, 2).permute(0, 1, 4, 2, 3)
        valid = pick(self.flow_valid[held], rows, columns).float().view(*shape)[:, :, None]
        panned = (cuts.flows == NO_FLOW)[:, :, None, None, None]
        moved = cuts.moved[:, :, :, None, None]
        return torch.where(panned, moved, flow * zoom), valid.masked_fill(panned, 1.0)

    def _seeded(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)


def resident_batches(
    drawing: Drawing, first_step: int, part: tuple[int, int], workers: int, device: torch.device
) -> Generator[Batch]:
    """The batches of `clips.batches`, cut on the device; so many processes make what is drawn
    ahead, and as many threads read the clips at the beginning."""
    config = drawing.config
    resident = ResidentClips(drawing.entries, device, workers)
    cutting = Cutting(resident.places, config.canonical_fov_deg)
    making = Making(drawing, part, cutting)
    for cuts in made_ahead(making, range(first_step, config.total_steps), workers):
        yield resident.batch(cuts)


def _by_clip(frames: Tensor, count: int) -> Tensor:
    """[B x count, ...] to [B, count, ...]."""
    return frames.view(-1, count, *frames.shape[1:])
