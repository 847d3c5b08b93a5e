"""The record of one evaluation: a JSON document with a schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bokehflow.benchmarks.checks import Check, check_facts
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.evaluation.recorded import SCHEMA
from bokehflow.benchmarks.evaluation.run import Evaluation, Plan

PACKAGES = ("bokehflow", "torch", "numpy", "scipy", "scikit-image", "numba")
DEVICE = "cpu"


def evaluation_document(
    plan: Plan, evaluation: Evaluation, checks: Sequence[Check], seconds: float
) -> dict[str, object]:
    """Everything that was measured, as JSON holds it.

    schema, environment, device, settings, weights, data (see `data_facts`), seconds; results: the
    fields of `run.Evaluation`, the trend scored by another commit where `trend_commit` names one;
    checks: name, measured, bar, at_least, holds.
    """
    config = plan.config
    results = dataclasses.asdict(evaluation)
    return {
        "schema": SCHEMA,
        "environment": describe_environment(PACKAGES),
        "device": DEVICE,
        "settings": {
            "precision": "fp32",
            "scan": config.scan,
            "network_size": config.network_size,
            "limit": config.limit,
            "pairs": list(config.pairs),
            "trend_limit": config.trend_limit,
            "trend_commit": plan.kept_trend.commit if plan.kept_trend else None,
        },
        "weights": results.pop("weights"),
        "data": plan.data,
        "left_out": len(plan.left_out),
        "seconds": round(seconds, 1),
        "results": results,
        "checks": [check_facts(check) for check in checks],
    }
