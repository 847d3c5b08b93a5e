"""An artifact shown frame after frame, as it is used: the state that comes out goes in again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bokehflow.errors import NumericalError
from bokehflow.export import Manifest
from bokehflow.optics import Lens
from bokehflow.runtimes.session import Session

Arrays = dict[str, NDArray[np.float32]]


def first_state_feeds(manifest: Manifest) -> Arrays:
    """The state inputs before the first frame."""
    shapes = {spec.name: spec.shape for spec in manifest.inputs}
    return {name: np.zeros(shapes[name], np.float32) for name in manifest.state_pairs}


def show_frame(
    manifest: Manifest,
    session: Session,
    image: NDArray[np.float32],
    lens: Lens,
    state: Arrays | None,
) -> tuple[Arrays, Arrays]:
    """The outputs of one frame, and the state inputs of the next.

    image: [1, 3, H, W], sRGB 0..1; state: as the frame before left it, None for a first frame,
    which is run `temporal.first_runs` times, its state carried. Outputs may be overwritten by the
    frame after it, the state is not. Raises what the session raises.
    """
    told = np.array([lens.as_tuple()], np.float32)
    carried = first_state_feeds(manifest) if state is None else state
    for _ in range(manifest.temporal.first_runs if state is None else 1):
        outputs = session.run({"image": image, "lens": told, **carried})
        carried = _carried(manifest.state_pairs, outputs)
    return outputs, carried


class Playback:
    """One film in one session."""

    def __init__(self, manifest: Manifest, session: Session) -> None:
        self._manifest, self._session = manifest, session
        self._state: Arrays | None = None

    @property
    def runs(self) -> int:
        """How often the next frame will be run."""
        return self._manifest.temporal.first_runs if self._state is None else 1

    def show(self, image: NDArray[np.float32], lens: Lens) -> Arrays:
        """The outputs of the next frame, as `show_frame` gives them."""
        outputs, self._state = show_frame(self._manifest, self._session, image, lens, self._state)
        return outputs


def require_finite(outputs: Arrays, where: str) -> None:
    """Raise NumericalError where an output holds NaN or infinity.

    where: what they are outputs of.
    """
    for name, values in outputs.items():
        bad = int(values.size - np.isfinite(values).sum())
        if bad:
            raise NumericalError(
                f"output {name} of {where} holds {bad} NaN or infinite values", "finite values"
            )


def _carried(pairs: Mapping[str, str], outputs: Arrays) -> Arrays:
    return {name: outputs[source].copy() for name, source in pairs.items()}
