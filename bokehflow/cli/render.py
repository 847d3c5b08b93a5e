"""`bfx render`: a photo or a video as another lens would have taken it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bokehflow.cli import common_options, lens_options, render_options
from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.lens_options import exif_of, focus_from_options, lens_values
from bokehflow.cli.render_options import ArtifactOptions, NetworkOptions, RendererOptions
from bokehflow.cli.untrained import untrained_warning
from bokehflow.optics import LENS_FIELDS
from bokehflow.specs import Size

if TYPE_CHECKING:
    from bokehflow.cli.render_job import RenderJob, RenderOutcome


LEAST_SHOWN_SHARE = 0.001


def render(
    source: render_options.Source,
    output: render_options.Output = None,
    tone_map: render_options.ToneMap = False,
    cuts: render_options.Cuts = False,
    f_number: lens_options.FNumber = None,
    focal_length_mm: lens_options.FocalLengthMm = None,
    sensor_width_mm: lens_options.SensorWidthMm = None,
    lens_from_exif: lens_options.LensFromExif = False,
    focus_m: lens_options.FocusM = None,
    focus_point: lens_options.FocusPointText = None,
    autofocus: lens_options.Autofocus = False,
    blades: lens_options.Blades = None,
    blade_rotation_deg: lens_options.BladeRotationDeg = None,
    highlights: lens_options.Highlights = None,
    quality: render_options.QualityName = None,
    depth: render_options.Depth = None,
    depth_out: render_options.DepthOut = None,
    side_by_side: render_options.SideBySide = None,
    variant: render_options.VariantName = None,
    weights: common_options.Weights = None,
    network_size: render_options.NetworkSize = None,
    source_fov_deg: lens_options.SourceFovDeg = None,
    tsp: render_options.Tsp = None,
    segments: common_options.Segments = None,
    artifact: render_options.ArtifactPath = None,
    runtime: render_options.Runtime = None,
) -> CommandResult:
    """Render a photo or a video as another lens would have taken it.

    Depth comes from --depth, else from the network or an exported artifact. Videos keep their
    frame times and their audio; the focus is chosen in the first frame, with --cuts in that of
    every shot, and held. EXIF tags, titles, chapters and subtitles stay behind.
    """
    from bokehflow.cli.memory import keep_freed_memory
    from bokehflow.cli.open_frames import open_frames
    from bokehflow.cli.render_files import render_files
    from bokehflow.cli.render_job import RenderJob

    started = time.perf_counter()
    keep_freed_memory()
    files = render_files(
        source, output, depth, depth_out, side_by_side, tone_map=tone_map, find_cuts=cuts
    )
    focus = focus_from_options(focus_m, focus_point, autofocus)
    files.require_outputs()
    exif = exif_of(source, lens_from_exif)
    lens = lens_values(focal_length_mm, f_number, sensor_width_mm, exif)
    look = RendererOptions(quality, blades, blade_rotation_deg, highlights)
    network = NetworkOptions(variant, weights, network_size, source_fov_deg, tsp, segments)
    engine = ArtifactOptions(artifact, runtime)
    frames = open_frames(files, look, network, engine, exif)
    job = RenderJob(files, lens, focus, frames)
    return _result(job, _run(job), time.perf_counter() - started)


def _run(job: RenderJob) -> RenderOutcome:
    if job.files.is_video:
        from bokehflow.cli.render_video import render_video

        return render_video(job)
    from bokehflow.cli.render_photo import render_photo

    return render_photo(job)


def _result(job: RenderJob, outcome: RenderOutcome, seconds: float) -> CommandResult:
    lens, size = outcome.shots[0].focused.lens, Size(outcome.height, outcome.width)
    by = job.frames.describe(size)
    document: dict[str, object] = {
        "input": job.files.source,
        "output": job.files.output,
        "depth_output": job.files.depth_out,
        "side_by_side_output": job.files.side_by_side,
        "kind": "video" if job.files.is_video else "photo",
        "height": outcome.height,
        "width": outcome.width,
        "frames": outcome.frames,
        "audio_streams": outcome.audio_streams,
        "unknown_audio_streams": outcome.unknown_audio_streams,
        "tone_map": job.files.tone_map,
        "lens": dict(zip(LENS_FIELDS, lens.as_tuple(), strict=True)),
        "focus_rule": job.focus.rule,
        "focus_settled": all(shot.focused.settled for shot in outcome.shots),
        "shots": [
            {"first_frame": shot.first_frame, "focus_m": shot.focused.lens.focus_m}
            for shot in outcome.shots
        ],
        "depth_pixels_beyond_png": outcome.depth_pixels_beyond_png,
        "held_back_pixels": outcome.held_back,
        "seconds": round(seconds, 3),
        **by.document(),
    }
    text = "\n".join(
        (
            f"wrote {job.files.output} ({size}, frames: {outcome.frames})",
            f"lens: {lens.focal_length_mm:g} mm f/{lens.f_number:g}, focus at {_focus(outcome)} "
            f"({job.focus.rule}), sensor {lens.sensor_width_mm:.4g} mm wide",
            f"depth from the {by.depth_from}, renderer quality {by.quality}, "
            f"{by.mode} by {by.runtime}",
        )
    )
    return CommandResult(document, text, warnings=_warnings(job, outcome, by.trained))


def _focus(outcome: RenderOutcome) -> str:
    first, *others = outcome.shots
    text = f"{first.focused.lens.focus_m:.3g} m"
    return f"{text} in the first of {len(outcome.shots)} shots" if others else text


def _warnings(job: RenderJob, outcome: RenderOutcome, trained: bool) -> list[str]:
    warnings = list(untrained_warning(trained))
    if not all(shot.focused.settled for shot in outcome.shots):
        warnings.append(
            "the focus did not settle: told that it is there, the network sees the place to focus "
            "on elsewhere; --focus-m decides it"
        )
    if outcome.depth_pixels_beyond_png:
        warnings.append(
            f"{outcome.depth_pixels_beyond_png} depth pixels lie beyond 65.535 m, the farthest a "
            f"16-bit PNG holds, and were written as that; .npy keeps them"
        )
    if outcome.unknown_audio_streams:
        warnings.append(
            f"the video has sound that is empty, or of a codec that FFmpeg does not know, which "
            f"was left out (streams: {outcome.unknown_audio_streams}, copied: "
            f"{outcome.audio_streams})"
        )
    height, width = outcome.height + outcome.height % 2, outcome.width + outcome.width % 2
    if job.files.is_video and (height, width) != (outcome.height, outcome.width):
        warnings.append(
            f"the video is {height}x{width}: its colours need even sides, so that the last row or "
            f"column was repeated"
        )
    if outcome.held_back:
        share = outcome.held_back / (outcome.height * outcome.width * outcome.frames)
        shown = f"{share:.1%}" if share >= LEAST_SHOWN_SHARE else f"under {LEAST_SHOWN_SHARE:.1%}"
        warnings.append(
            f"{shown} of the pixels are blurred by more through this lens than the network's "
            f"renderer is built for, and were blurred by that: a larger f-number or a shorter lens "
            f"is rendered as it is"
        )
    return warnings
