"""The whole measurement behind `bfx quality`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bokehflow.benchmarks.quality.imperfect_depth import DepthStudy, study_imperfect_depth
from bokehflow.benchmarks.quality.light import LightErrors, measure_light
from bokehflow.benchmarks.quality.renderers import OURS, choose_renderers
from bokehflow.benchmarks.quality.score_renderer import RendererScore, score_renderer
from bokehflow.benchmarks.quality.speed import FrameTime, measure_speed
from bokehflow.benchmarks.quality.step_edges import StepErrors, measure_steps
from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.ray_traced import RAY_TRACED_KINDS, make_ray_traced_scene
from bokehflow.calibration.scenes import SCENE_KINDS, Scene, make_scene
from bokehflow.defaults import QUALITY_SIZE_PX
from bokehflow.errors import UnknownNameError, UsageError

ALL_KINDS = (*SCENE_KINDS, *RAY_TRACED_KINDS)
TALL_KIND = "portrait"
"""Photographed with the camera turned: height and width change places."""
BLADED_KIND = "lights"
"""Photographed with an aperture of six blades, where its corners show."""
BLADED_APERTURE = Aperture(blades=6, rotation_deg=10.0)


@dataclass(frozen=True, slots=True)
class QualityConfig:
    """What to measure. kinds and renderers: names; empty means all. Size in pixels.

    Raises UnknownNameError and UsageError.
    """

    seed: int = 0
    kinds: tuple[str, ...] = ()
    renderers: tuple[str, ...] = ()
    height: int = QUALITY_SIZE_PX[0]
    width: int = QUALITY_SIZE_PX[1]

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed={self.seed}", "0 or more")
        for kind in self.kinds:
            if kind not in ALL_KINDS:
                raise UnknownNameError("scene", kind, ALL_KINDS)
        choose_renderers(self.renderers)

    @property
    def scene_kinds(self) -> tuple[str, ...]:
        """The kinds to build; the ray-traced ones only where they are asked for."""
        return self.kinds or SCENE_KINDS


@dataclass(frozen=True, slots=True)
class RendererReport:
    """Everything measured of one renderer. depth_studies and speed are of ours only, else empty."""

    score: RendererScore
    steps: list[StepErrors]
    light: LightErrors
    depth_studies: list[DepthStudy]
    speed: list[FrameTime]


def benchmark_scenes(config: QualityConfig, advance: Callable[[], None]) -> list[Scene]:
    """The scenes of a configuration; `advance` is called once a scene."""
    scenes = []
    for kind in config.scene_kinds:
        scenes.append(_benchmark_scene(kind, config))
        advance()
    return scenes


def _benchmark_scene(kind: str, config: QualityConfig) -> Scene:
    size = (config.height, config.width)
    if kind in RAY_TRACED_KINDS:
        return make_ray_traced_scene(kind, config.seed, *size)
    height, width = size[::-1] if kind == TALL_KIND else size
    aperture = BLADED_APERTURE if kind == BLADED_KIND else Aperture()
    return make_scene(kind, config.seed, height, width, aperture=aperture)


def measure_renderers(
    config: QualityConfig, scenes: Sequence[Scene], advance: Callable[[], None]
) -> dict[str, RendererReport]:
    """Every figure of every chosen renderer; `advance` is called once a renderer."""
    reports = {}
    for name, renderer in choose_renderers(config.renderers).items():
        reports[name] = RendererReport(
            score=score_renderer(renderer, scenes),
            steps=measure_steps(renderer),
            light=measure_light(renderer, scenes),
            depth_studies=study_imperfect_depth(renderer, scenes) if name in OURS else [],
            speed=measure_speed(name) if name in OURS else [],
        )
        advance()
    return reports
