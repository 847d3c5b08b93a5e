"""Rendering a video: the frame loop, which alone carries the state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor

from bokehflow.atomic import atomic_folder
from bokehflow.cli.render_files import RenderFiles
from bokehflow.cli.render_job import RenderJob, RenderOutcome, Shot
from bokehflow.cli.terminal import progress_bar
from bokehflow.errors import UsageError
from bokehflow.layers.temporal import State
from bokehflow.media import CutFinder, VideoInfo, open_video, open_video_writer
from bokehflow.media.depth_file import encode_depth


def render_video(job: RenderJob) -> RenderOutcome:
    """Render a video and write its outputs. Raises what reading, rendering and writing raise.

    The focus is chosen in the first frame of a shot and held. Frame times and audio are the
    source's.
    """
    shots: list[Shot] = []
    cuts = CutFinder() if job.files.find_cuts else None
    state: State | None = None
    count, clipped, held_back = 0, 0, 0
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(open_video(job.files.source, tone_map=job.files.tone_map))
        _require_use_of_tone_map(job.files, video.info)
        writer = stack.enter_context(open_video_writer(job.files.output, video.info))
        # Left first, and so in place before the video, which does not appear without it.
        write_frame_depth = stack.enter_context(_depth_folder(job.files.depth_out))
        advance = stack.enter_context(progress_bar("rendering", video.info.frame_count))
        for frame in video.frames:
            cut = cuts is not None and cuts.begins_shot(frame.image)
            if cut or not shots:
                shots.append(Shot(count, job.focused_lens(frame.image, count)))
                state = None
            rendered = job.frames.render(frame.image, count, shots[-1].focused.lens, state)
            writer.write(rendered.bokeh, frame.pts, frame.duration)
            clipped += write_frame_depth(count, rendered.depth)
            held_back += rendered.held_back
            state = rendered.state
            count += 1
            advance()
        # What can still fail of the video does so before the folder is in place.
        writer.finish()
    return RenderOutcome(
        tuple(shots),
        video.info.height,
        video.info.width,
        count,
        video.info.audio_streams,
        video.info.unknown_audio_streams,
        clipped,
        held_back,
    )


def _require_use_of_tone_map(files: RenderFiles, info: VideoInfo) -> None:
    if files.tone_map and info.high_dynamic_range is None:
        raise UsageError(
            f"--tone-map with {files.source}, a video of standard dynamic range",
            "one of high dynamic range, HLG or PQ",
            "leave it out",
        )


@contextlib.contextmanager
def _depth_folder(target: Path | None) -> Iterator[Callable[[int, Tensor], int]]:
    """Yield a writer of one frame's depth as `depth_000000.png`; without target it does nothing."""
    if target is None:
        yield lambda _index, _depth_m: 0
        return
    with atomic_folder(target) as folder:
        yield lambda index, depth_m: encode_depth(folder / f"depth_{index:06d}.png", depth_m)
