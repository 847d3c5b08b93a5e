"""Rendering one photo."""

from __future__ import annotations

from bokehflow.cli.render_job import RenderJob, RenderOutcome
from bokehflow.media import read_photo, side_by_side, write_depth, write_photo


def render_photo(job: RenderJob) -> RenderOutcome:
    """Render a photo and write its outputs. Raises what reading, rendering and writing raise."""
    image = read_photo(job.files.source)
    lens = job.focused_lens(image)
    rendered = job.frames.render(image, 0, lens, None)
    write_photo(job.files.output, rendered.bokeh)
    clipped = 0
    if job.files.depth_out is not None:
        clipped = write_depth(job.files.depth_out, rendered.depth)
    if job.files.side_by_side is not None:
        write_photo(job.files.side_by_side, side_by_side(image, rendered.bokeh))
    return RenderOutcome(lens, image.shape[2], image.shape[3], 1, 0, clipped)
