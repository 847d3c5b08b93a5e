"""Rendering one photo."""

from __future__ import annotations

import contextlib

from bokehflow.atomic import atomic_file
from bokehflow.cli.render_files import RenderFiles
from bokehflow.cli.render_job import RenderJob, RenderOutcome, Shot
from bokehflow.media import read_photo, side_by_side
from bokehflow.media.depth_file import encode_depth
from bokehflow.media.photo import encode_photo, require_photo_size
from bokehflow.media.side_by_side import side_by_side_width
from bokehflow.specs import Size


def render_photo(job: RenderJob) -> RenderOutcome:
    """Render a photo and write its outputs; every one is complete before the first appears.

    Raises what reading, rendering and writing raise.
    """
    image = read_photo(job.files.source)
    height, width = image.shape[2:]
    _require_sizes(job.files, height, width)
    focused = job.focused_lens(image)
    rendered = job.frames.render(image, 0, focused.lens, None)
    clipped = 0
    with contextlib.ExitStack() as stack:
        encode_photo(stack.enter_context(atomic_file(job.files.output)), rendered.bokeh)
        if job.files.depth_out is not None:
            hidden = stack.enter_context(atomic_file(job.files.depth_out))
            clipped = encode_depth(hidden, rendered.depth)
        if job.files.side_by_side is not None:
            hidden = stack.enter_context(atomic_file(job.files.side_by_side))
            encode_photo(hidden, side_by_side(image, rendered.bokeh))
    shots = (Shot(0, focused),)
    return RenderOutcome(shots, height, width, 1, 0, 0, clipped, rendered.held_back)


def _require_sizes(files: RenderFiles, height: int, width: int) -> None:
    """Raise SizeError or OutputError before any work where the frame is too large for any renderer,
    or an output would be."""
    Size(height, width)
    require_photo_size(files.output, height, width)
    if files.side_by_side is not None:
        require_photo_size(files.side_by_side, height, side_by_side_width(height, width))
