"""Several measurements of one case as one row: a shared machine is now faster and now slower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bokehflow.benchmarks.latency.record import FAILURES


def best_of(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The row of the least median, with the medians of all rounds; or the row of the first round
    that failed, since a model that runs now and then does not run.

    rounds: rows of one case, at least one.
    """
    failed = [row for row in rounds if row["status"] in FAILURES]
    timed = [row for row in rounds if row["times"]]
    medians = [row["times"]["p50_ms"] for row in timed]
    best = min(timed, key=lambda row: float(row["times"]["p50_ms"]), default=rounds[0])
    return {**(failed[0] if failed else best), "p50_ms_of_rounds": medians}
