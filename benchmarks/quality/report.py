"""The record of one quality run: a JSON document with a schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from bokehflow.benchmarks.checks import Check, check_facts
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.quality.run import QualityConfig, RendererReport

SCHEMA = "bokehflow.quality/1"
PACKAGES = ("bokehflow", "torch", "numpy", "scipy", "scikit-image")


def quality_document(
    config: QualityConfig, reports: Mapping[str, RendererReport], checks: Sequence[Check]
) -> dict[str, object]:
    """Everything that was measured, as JSON holds it.

    schema, environment, settings; renderers: name to score (mean, by_scene, seconds_per_frame),
    steps, light, depth_studies; checks: name, measured, bar, at_least, holds.
    """
    return {
        "schema": SCHEMA,
        "environment": describe_environment(PACKAGES),
        "settings": {
            "seed": config.seed,
            "scenes": list(config.scene_kinds),
            "height": config.height,
            "width": config.width,
        },
        "renderers": {name: _report_document(report) for name, report in reports.items()},
        "checks": [check_facts(check) for check in checks],
    }


def _report_document(report: RendererReport) -> dict[str, object]:
    document = dataclasses.asdict(report)
    for study, own in zip(document["depth_studies"], report.depth_studies, strict=True):
        study["overall"]["won_back"] = own.overall.won_back
        study["edge"]["won_back"] = own.edge.won_back
    return document
