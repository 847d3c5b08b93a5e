"""The state that an artifact is fed: nothing before the first frame, then what came out last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bokehflow.export import Manifest

Arrays = dict[str, NDArray[np.float32]]


def first_state_feeds(manifest: Manifest) -> Arrays:
    """The state inputs before the first frame."""
    shapes = {spec.name: spec.shape for spec in manifest.inputs}
    return {name: np.zeros(shapes[name], np.float32) for name in manifest.state_pairs}


def carried(manifest: Manifest, outputs: Mapping[str, NDArray[np.float32]]) -> Arrays:
    """The state inputs of the next frame, from the outputs of this one."""
    return {name: outputs[source] for name, source in manifest.state_pairs.items()}
