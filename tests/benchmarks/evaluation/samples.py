"""Evaluations made up by hand, and a tiny network to look through."""

from __future__ import annotations

from typing import Any

from bokehflow.benchmarks.evaluation.clip_study import (
    CONSTANT,
    END_TO_END,
    GRADIENT_BLUR,
    NETWORK,
    OWN_GRADIENT,
)
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore
from bokehflow.benchmarks.evaluation.flicker import AS_WRITTEN, OFF, SYSTOLIC, FlickerScore
from bokehflow.benchmarks.evaluation.held_out import ALL, BokehMean, GroupReport
from bokehflow.benchmarks.evaluation.real_pairs import DisparityScore
from bokehflow.benchmarks.evaluation.run import Evaluation
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.benchmarks.evaluation.trend import TrendPoint
from bokehflow.benchmarks.quality.renderers import NO_BLUR
from bokehflow.benchmarks.quality.score_renderer import MeanScore
from bokehflow.model import BokehFlow, ModelConfig
from bokehflow.weights import WeightsInfo
from bokehflow.weights.initial import initial_network
from tests.training.samples import TINY


def tiny_sight() -> Sight:
    """An untrained network of two tiny blocks."""
    info = WeightsInfo("nano", False, "0" * 64)
    return Sight(BokehFlow(initial_network(TINY).eval(), info, ModelConfig("mobile")))


def depth_score(aligned_delta1: float = 0.9, aligned_abs_rel: float = 0.1) -> DepthScore:
    """A score of which only the aligned figures matter."""
    aligned = aligned_abs_rel, 0.5, aligned_delta1
    return DepthScore(0.1, 0.5, 10.0, 0.9, *aligned, 0.1, 0.9, 0.5)


def bokeh_mean(psnr_db: float) -> BokehMean:
    """A score of which only the overall PSNR matters."""
    return BokehMean(MeanScore(psnr_db, 0.9, None, None, None, None, None, None, 0.0), 0.1)


def point(step: int, abs_rel: float, psnr_db: float) -> TrendPoint:
    """A snapshot's score."""
    return TrendPoint(step, "0" * 64, abs_rel, 0.9, 10.0, psnr_db)


def good_evaluation(**changes: Any) -> Evaluation:
    """One that meets every bar, with some fields changed."""
    fields: dict[str, Any] = {
        "weights": WeightsInfo("nano", True, "1" * 64),
        "held_out": {
            ALL: GroupReport(
                8,
                8,
                {NETWORK: depth_score(), CONSTANT: depth_score(0.5, 0.5)},
                {
                    NO_BLUR: bokeh_mean(25.0),
                    GRADIENT_BLUR: bokeh_mean(27.0),
                    END_TO_END: bokeh_mean(30.0),
                },
            )
        },
        "motorcycle": {NETWORK: depth_score(0.8)},
        "aloe": {
            NETWORK: DisparityScore(0.1, 0.9, 0.9),
            CONSTANT: DisparityScore(0.3, 0.3, None),
            OWN_GRADIENT: DisparityScore(0.2, 0.5, 0.5),
        },
        "film_count": 2,
        "films": {
            OFF: FlickerScore(2.0, 0.2, 0.1),
            AS_WRITTEN: FlickerScore(1.0, 0.1, 0.05),
            SYSTOLIC: FlickerScore(1.0, 0.1, 0.05),
        },
        "videos": {"bikes.mp4": {OFF: FlickerScore(2.0, 0.2, None)}},
        "trend": [point(1, 0.4, 24.0), point(2, 0.3, 25.0)],
    }
    return Evaluation(**(fields | changes))
