"""Clips with truth in an artifact's frame size: held out of training, measured, or made here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from bokehflow.benchmarks.evaluation.held_out import chosen
from bokehflow.benchmarks.report.document import ClipFacts
from bokehflow.calibration.data.clip import TRUTHS, Clip, ClipInfo
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.layered_clip import LayeredGroup
from bokehflow.calibration.data.request import CLIPS_PER_GROUP, DataRequest
from bokehflow.calibration.data.split import HELD_OUT, HELD_OUT_EVERY
from bokehflow.calibration.frames import largest_window
from bokehflow.calibration.motorcycle import FOV_DEG, motorcycle
from bokehflow.media.levels import to_uint8
from bokehflow.optics import Lens
from bokehflow.specs import Size
from bokehflow.training.view import View, look

MADE_CLIPS, MADE_FRAMES, MADE_HEIGHT_PX, MADE_SEED = 3, 3, 96, 7_000
"""Without a data folder: few, short and small, so that they are made in seconds."""
HELD_OUT_GROUP = HELD_OUT_EVERY - 1


@dataclass(frozen=True, slots=True)
class TruthClip:
    """`n` frames of a size as a network with one canonical field of view should see them.

    frames, bokeh: [n, 3, H, W] sRGB 0..1. inverse_depth: [n, 1, H, W] 1/m, 0 where infinitely far
    or not known. flow: [n - 1, 2, H, W] px, where flow_valid [n - 1, 1, H, W] is 1. known: which of
    `clip.TRUTHS` mean anything. depth_cues: whether the picture tells its depth.
    """

    name: str
    frames: Tensor
    bokeh: Tensor
    inverse_depth: Tensor
    flow: Tensor
    flow_valid: Tensor
    lens: Lens
    known: tuple[str, ...]
    depth_cues: bool


@dataclass(frozen=True, slots=True)
class ClipSource:
    """Clips in their own size. Iterating gives each in the artifact's, one at a time."""

    facts: ClipFacts
    clips: Sequence[Clip]
    size: Size
    canonical_fov_deg: float

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[TruthClip]:
        for name, clip in zip(self.facts.clips, self.clips, strict=True):
            yield fitted(name, clip, self.size, self.canonical_fov_deg)


def clip_source(
    size: Size, canonical_fov_deg: float, folder: Path | None, limit: int, *, skip_bad: bool
) -> ClipSource:
    """Held-out clips and the Motorcycle, whose depth was measured.

    folder: held-out clips lie under it, at most `limit` of each source are taken, with every truth
    or only some; None makes layered ones. Raises what `find_clips` and `read_clip` raise.
    """
    left_out: tuple[str, ...] = ()
    if folder is None:
        clips = list(_made(size))
        names = [f"layered {number}" for number in range(len(clips))]
        origin = f"{len(clips)} layered scenes made for this report, seed {MADE_SEED}"
    else:
        found = find_clips(folder, HELD_OUT, skip_bad=skip_bad, known=())
        paths = [entry.path for entry in chosen(found.entries, limit)]
        clips = [read_clip(path) for path in paths]
        names = [path.relative_to(folder).as_posix() for path in paths]
        origin = f"{len(clips)} held-out clips of {folder.name}"
        left_out = found.unreadable
    facts = ClipFacts(
        f"{origin}; the Motorcycle, depth measured by stereo",
        (*names, "motorcycle, depth alone"),
        left_out,
    )
    return ClipSource(facts, [*clips, motorcycle_clip()], size, canonical_fov_deg)


def fitted(name: str, clip: Clip, size: Size, canonical_fov_deg: float) -> TruthClip:
    """The middle of a clip in the shape of `size`, enlarged or made smaller to it.

    Blur grows with the width, so the picture is still one scene through one lens.
    """
    height, width = clip.size
    window = largest_window(Size(height, width), size)
    top, left = (height - window.height) // 2, (width - window.width) // 2
    view = View(top, left, window.height, window.width, False, (1.0, 1.0, 1.0))
    batch = look(clip, view, size, canonical_fov_deg)
    return TruthClip(
        name=name,
        frames=batch.frames[0],
        bokeh=batch.bokeh[0],
        inverse_depth=batch.inverse_depth[0],
        flow=batch.flow[0],
        flow_valid=batch.flow_valid[0],
        lens=Lens(*batch.lens[0].tolist()),
        known=clip.info.known,
        depth_cues=clip.info.depth_cues,
    )


def _made(size: Size) -> Iterator[Clip]:
    height, width = MADE_HEIGHT_PX, round(MADE_HEIGHT_PX * max(1.0, size.width / size.height))
    group = LayeredGroup(DataRequest(height, width, MADE_FRAMES, MADE_SEED), HELD_OUT_GROUP)
    for number in range(MADE_CLIPS):
        yield group.clip(HELD_OUT_GROUP * CLIPS_PER_GROUP + number)


def motorcycle_clip() -> Clip:
    """The left photo with its measured depth; where stereo could not measure, nothing is known."""
    pair = motorcycle()
    depth_m = pair.depth_m[0, 0].numpy()
    inverse_depth = np.where(pair.measured, 1.0 / depth_m, 0.0).astype(np.float16)
    frame = to_uint8(pair.left)
    height, width = depth_m.shape
    info = ClipInfo(
        source="motorcycle",
        split=HELD_OUT,
        seed=0,
        index=0,
        fov_deg=FOV_DEG,
        lens=Lens(),
        depth_cues=True,
        assets=(),
        known=TRUTHS[:1],
    )
    return Clip(
        frames=frame[None],
        inverse_depth=inverse_depth[None],
        bokeh=frame[None],
        flow=np.zeros((0, height, width, 2), np.float16),
        flow_valid=np.zeros((0, height, width), np.bool_),
        info=info,
    )
