"""Films of frames in a session that writes down what it is given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from bokehflow.export import Manifest
from bokehflow.layers.segments import TemporalConfig
from bokehflow.optics import Lens
from bokehflow.runtimes import SessionInfo
from bokehflow.runtimes.carried_state import Playback
from tests.benchmarks.report.samples import manifest

IMAGE = np.zeros((1, 3, 96, 160), np.float32)
LENS = Lens(50.0, 1.8, 1.5, 36.0)


class Overwriting:
    """Counts its runs in its outputs, and writes them over those of the run before."""

    def __init__(self, described: Manifest) -> None:
        self._outputs = {spec.name: np.zeros(1, np.float32) for spec in described.outputs}
        self._pairs = described.state_pairs
        self.given: list[float] = []

    @property
    def info(self) -> SessionInfo:
        return SessionInfo("counting", "1", "none", "executed", {}, tuple(self._outputs))

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        (state,) = {float(feeds[name].max()) for name in self._pairs}
        self.given.append(state)
        for value in self._outputs.values():
            value[...] = len(self.given)
        return self._outputs


@pytest.mark.parametrize("temporal", [TemporalConfig(), TemporalConfig("cold", 4)])
def test_the_state_is_carried_and_a_first_frame_of_cold_segments_is_run_often(
    temporal: TemporalConfig,
) -> None:
    described = manifest(temporal=temporal)
    session = Overwriting(described)
    playback = Playback(described, session)
    last = [float(playback.show(IMAGE, LENS)["bokeh"][0]) for _ in range(3)]
    first = temporal.first_runs
    assert last == [first, first + 1, first + 2]
    assert session.given == list(range(first + 2))
