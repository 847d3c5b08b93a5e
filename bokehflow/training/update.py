"""A step's update of weights and average: computed call by call, or recorded and played back.

Weights move when it is known that the step was finite, so the device has nothing to do until it is
asked: what asks for it has to be short.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch

from bokehflow.training.checkpoint import RunState


class Update(Protocol):
    """Moves a run's weights by the gradients that they hold, and the average after them."""

    def __call__(self, learning_rate: float) -> None:
        """Once the step is known to be finite."""
        ...


class StepUpdate:
    """The update, computed as it is asked for."""

    def __init__(self, state: RunState) -> None:
        self.state = state

    def __call__(self, learning_rate: float) -> None:
        self.prepare(learning_rate)
        self.move()

    def prepare(self, learning_rate: float) -> None:
        """Put on the device what is another number in every step."""
        self.state.optimiser.set_rate(learning_rate)
        self.state.averaged.set_step(self.state.step)

    def move(self) -> None:
        """The same work in every step, if the same parameters have gradients."""
        self.state.optimiser.step()
        self.state.averaged.update(self.state.network)


class RecordedUpdate:
    """The same as CUDA graphs, one for every set of places in memory where gradients lie.

    The first update from such a set is computed: it makes the optimiser's moments, and compiles.
    """

    def __init__(self, update: StepUpdate) -> None:
        self._update = update
        self._graphs: dict[tuple[int, ...], Any] = {}
        self._met = set[tuple[int, ...]]()

    def __call__(self, learning_rate: float) -> None:
        self._update.prepare(learning_rate)
        places = self._places()
        if places in self._met:
            if places not in self._graphs:
                self._graphs[places] = self._record()
            self._graphs[places].replay()
        else:
            self._met.add(places)
            self._update.move()

    def _places(self) -> tuple[int, ...]:
        parameters = self._update.state.network.parameters()
        return tuple(0 if p.grad is None else p.grad.data_ptr() for p in parameters)

    def _record(self) -> Any:
        graph: Any = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._update.move()
        return graph
