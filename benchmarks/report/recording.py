"""A session shown frames one after the other, and what it made of them, kept on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bokehflow.export import Manifest
from bokehflow.optics import Lens
from bokehflow.runtimes import Session
from bokehflow.runtimes.carried_state import Playback, require_finite

STATE = "next_state_scan"


@dataclass(frozen=True, slots=True)
class Output:
    """What a session made of one frame.

    bokeh: sRGB 0..1, [1, 3, H, W]. depth_m: [1, 1, H, W]. state: of the scans, after the frame.
    """

    bokeh: Tensor
    depth_m: Tensor
    state: NDArray[np.float32]


def play(
    session: Session, manifest: Manifest, frames: Iterable[tuple[Tensor, Lens]]
) -> Iterator[Output]:
    """Show frames [1, 3, H, W] through their lenses, the state carried from each to the next.

    Raises NumericalError for an output that is not finite, and what the session raises.
    """
    playback = Playback(manifest, session)
    for number, (image, lens) in enumerate(frames, start=1):
        values = np.array([lens.as_tuple()], dtype=np.float32)
        outputs = playback.show(image.contiguous().numpy(), values)
        require_finite(outputs, f"frame {number}")
        yield Output(_tensor(outputs["bokeh"]), _tensor(outputs["depth"]), outputs[STATE].copy())


@dataclass(frozen=True, slots=True)
class Recording:
    """Outputs in a folder, a file a frame: a film of large frames does not fit the memory."""

    folder: Path

    def write(self, index: int, output: Output) -> None:
        """Keep the output of frame `index`."""
        bokeh, depth = output.bokeh.numpy(), output.depth_m.numpy()
        np.savez(self._path(index), bokeh=bokeh, depth=depth, state=output.state)

    def read(self, index: int) -> Output:
        """The output of frame `index`."""
        with np.load(self._path(index)) as stored:
            return Output(_tensor(stored["bokeh"]), _tensor(stored["depth"]), stored["state"])

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:05d}.npz"


def _tensor(values: NDArray[np.float32]) -> Tensor:
    # Engines may write the next frame over this one's outputs.
    return torch.from_numpy(np.array(values, dtype=np.float32))
