"""What the measuring loop asks of a runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Load:
    """What to load and how. threads None leaves the number to the runtime; arguments: the
    runtime's own (`--runtime-arg`), already checked."""

    model: Path
    manifest: Path
    threads: int | None
    arguments: Mapping[str, str]


class Engine(Protocol):
    """A loaded model. Values between frames stay in the runtime's own form (`put`, `get`)."""

    @property
    def version(self) -> str:
        """The runtime's."""
        ...

    @property
    def device(self) -> str:
        """What it runs on, in the runtime's words; after a comma the hardware's name, where the
        runtime tells it."""
        ...

    @property
    def input_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What `run` takes, in the model's order."""
        ...

    def put(self, array: np.ndarray) -> Any:
        """A float32 array as the runtime takes it."""
        ...

    def get(self, value: Any) -> np.ndarray:
        """An output as an array."""
        ...

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """Every output by name, once all of it is computed."""
        ...

    def device_peak_bytes(self) -> int | None:
        """Most memory taken on an accelerator so far, as the runtime can tell it: PyTorch what its
        tensors take, the others what everyone uses. None where there is none."""
        ...


class Profiler(Protocol):
    """A model loaded so that the runtime times its own nodes."""

    @property
    def engine(self) -> Engine:
        """The model, to be fed as any other."""
        ...

    def nodes(self, skip: int) -> dict[str, float]:
        """Milliseconds a frame by node name, the mean over all frames run but the first `skip`."""
        ...


def mean_by_name(samples: Mapping[str, Sequence[float]], skip: int) -> dict[str, float]:
    """The mean of each name's values after the first `skip` of them."""
    kept = {name: values[skip:] for name, values in samples.items()}
    return {name: sum(values) / len(values) for name, values in kept.items() if values}
