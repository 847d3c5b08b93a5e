"""The one thing every engine offers: a loaded artifact that turns arrays into arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bokehflow.export.artifacts.manifest import Mode


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What runs an artifact, and how, for tables and records.

    runtime: the engine's name, with its version beside it.
    device: the hardware or compute unit asked for.
    input_shapes, output_names: what `run` takes and gives.
    """

    runtime: str
    version: str
    device: str
    mode: Mode
    input_shapes: Mapping[str, tuple[int, ...]]
    output_names: tuple[str, ...]


class Session(Protocol):
    """A loaded artifact. One call is one frame; the caller carries the state."""

    @property
    def info(self) -> SessionInfo:
        """What this session is."""
        ...

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute every output, by name, from one float32 array an input.

        Raises UsageError or SizeError for feeds that do not fit.
        """
        ...
