"""Which frame source the options of `bfx render` ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bokehflow.cli.frame_source import FrameSource
from bokehflow.cli.given import or_default, require_alone
from bokehflow.cli.model_settings import render_config, temporal_config
from bokehflow.cli.render_files import RenderFiles
from bokehflow.cli.render_options import (
    DEFAULT_NETWORK_SIZE,
    DEFAULT_TSP,
    QUALITY_WITH_DEPTH,
    QUALITY_WITH_NETWORK,
    ArtifactOptions,
    NetworkOptions,
    RendererOptions,
    given_options,
)
from bokehflow.defaults import VARIANT
from bokehflow.errors import UsageError
from bokehflow.media import ExifCamera


def open_frames(
    files: RenderFiles,
    look: RendererOptions,
    network: NetworkOptions,
    artifact: ArtifactOptions,
    exif: ExifCamera | None,
) -> FrameSource:
    """Depth files where `--depth` is given, an artifact where `--artifact` is, else the network.

    Raises UsageError for options that do not go together, and whatever is wrong with the
    renderer's options, the weights, the artifact, the depth files' names or their number.
    """
    if files.depth is not None:
        _require_none_of("--depth", [network, artifact])
        return _depth_frames(files, files.depth, look)
    source_fov_deg = network.source_fov_deg
    if source_fov_deg is None and exif is not None:
        source_fov_deg = exif.horizontal_fov_deg
    if artifact.artifact is not None:
        own = dataclasses.replace(network, source_fov_deg=None)
        _require_none_of("--artifact", [own, look])
        return _artifact_frames(artifact.artifact, artifact.runtime, source_fov_deg)
    if artifact.runtime is not None:
        raise UsageError("--runtime without --artifact", "an exported artifact for it to run")
    return _network_frames(look, network, source_fov_deg)


def _depth_frames(files: RenderFiles, depth: Path, look: RendererOptions) -> FrameSource:
    from bokehflow.cli.depth_frames import DepthFrames, depth_files, require_one_a_frame

    maps, config = depth_files(depth, files.is_video), render_config(look, QUALITY_WITH_DEPTH)
    if files.is_video:
        require_one_a_frame(maps, files.source, tone_map=files.tone_map)
    return DepthFrames(maps, config)


def _artifact_frames(path: Path, runtime: str | None, source_fov_deg: float | None) -> FrameSource:
    from bokehflow.cli.artifact_frames import ArtifactFrames
    from bokehflow.export import load_artifact
    from bokehflow.runtimes import open_session

    artifact = load_artifact(path)
    return ArtifactFrames(artifact, open_session(artifact, runtime), source_fov_deg)


def _network_frames(
    look: RendererOptions, network: NetworkOptions, source_fov_deg: float | None
) -> FrameSource:
    from bokehflow.cli.network_frames import NetworkFrames
    from bokehflow.model import ModelConfig, load_model

    config = ModelConfig(
        network_size=or_default(network.network_size, DEFAULT_NETWORK_SIZE),
        source_fov_deg=source_fov_deg,
        render=render_config(look, QUALITY_WITH_NETWORK),
        temporal=temporal_config(or_default(network.tsp, DEFAULT_TSP), network.segments),
    )
    return NetworkFrames(load_model(or_default(network.variant, VARIANT), network.weights, config))


def _require_none_of(
    option: str, others: Sequence[RendererOptions | NetworkOptions | ArtifactOptions]
) -> None:
    require_alone(option, [name for options in others for name in given_options(options)])
