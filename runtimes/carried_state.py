"""An artifact shown frame after frame, as it is used: the state that comes out goes in again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bokehflow.export import Manifest
from bokehflow.runtimes.session import Session

Arrays = dict[str, NDArray[np.float32]]


def first_state_feeds(manifest: Manifest) -> Arrays:
    """The state inputs before the first frame."""
    shapes = {spec.name: spec.shape for spec in manifest.inputs}
    return {name: np.zeros(shapes[name], np.float32) for name in manifest.state_pairs}


class Playback:
    """One film in one session. A first frame is run `temporal.first_runs` times, its state carried.

    runs: how often the next frame will be run.
    """

    def __init__(self, manifest: Manifest, session: Session) -> None:
        self._pairs, self._session = manifest.state_pairs, session
        self._state = first_state_feeds(manifest)
        self.runs = manifest.temporal.first_runs

    def show(self, image: NDArray[np.float32], lens: NDArray[np.float32]) -> Arrays:
        """The outputs of the next frame; image: [1, 3, H, W], sRGB 0..1; lens: [1, 4].

        They may be overwritten by the frame after it. Raises what the session raises.
        """
        for _ in range(self.runs):
            outputs = self._session.run({"image": image, "lens": lens, **self._state})
            self._state = _carried(self._pairs, outputs)
        self.runs = 1
        return outputs


def _carried(pairs: Mapping[str, str], outputs: Arrays) -> Arrays:
    return {name: outputs[source].copy() for name, source in pairs.items()}
