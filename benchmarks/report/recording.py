"""A session shown frames one after the other, and what it made of them, kept on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bokehflow.export import Manifest
from bokehflow.optics import Lens
from bokehflow.runtimes import Session
from bokehflow.runtimes.carried_state import Arrays, Playback, require_finite
from bokehflow.signature import SCAN_STATE


@dataclass(frozen=True, slots=True)
class Output:
    """What a session made of one frame.

    bokeh: sRGB 0..1, [1, 3, H, W]. depth_m: [1, 1, H, W]. state: of the scans, after the frame.
    """

    bokeh: Tensor
    depth_m: Tensor
    state: NDArray[np.float32]

    def arrays(self) -> Arrays:
        """By the names that sessions give them."""
        return {
            "bokeh": self.bokeh.numpy(),
            "depth": self.depth_m.numpy(),
            SCAN_STATE: self.state,
        }


def play(
    session: Session, manifest: Manifest, frames: Iterable[tuple[Tensor, Lens]]
) -> Iterator[Output]:
    """Show frames [1, 3, H, W] through their lenses, the state carried from each to the next.

    Raises NumericalError for an output that is not finite, and what the session raises.
    """
    playback = Playback(manifest, session)
    for number, (image, lens) in enumerate(frames, start=1):
        outputs = playback.show(image.contiguous().numpy(), lens)
        require_finite(outputs, f"frame {number}")
        yield _copied(outputs)


@dataclass(frozen=True, slots=True)
class Recording:
    """Outputs in a folder, a file a frame: a film of large frames does not fit the memory."""

    folder: Path

    def write(self, index: int, output: Output) -> None:
        """Keep the output of frame `index`."""
        np.savez(self._path(index), **output.arrays())  # type: ignore[arg-type]

    def read(self, index: int) -> Output:
        """The output of frame `index`."""
        with np.load(self._path(index)) as stored:
            return _copied(stored)

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:05d}.npz"


def _copied(outputs: Mapping[str, NDArray[np.float32]]) -> Output:
    # Engines may write the next frame over this one's outputs.
    names = ("bokeh", "depth", SCAN_STATE)
    bokeh, depth, state = (np.array(outputs[name], dtype=np.float32) for name in names)
    return Output(torch.from_numpy(bokeh), torch.from_numpy(depth), state)
