"""A step's losses and their gradients: computed call by call, or recorded once and played back.

A small network keeps a GPU waiting for Python: its kernels are short and there are thousands of
them. As a CUDA graph the same step takes what its kernels take.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bokehflow.training.batch import Batch
from bokehflow.training.clip_losses import LOSS_NAMES
from bokehflow.training.config import LossWeights, StageConfig

WARM_UP_CALLS = 3
"""On a stream of their own before recording, as PyTorch asks: kernels compile, caches fill."""


class Gradients(Protocol):
    """Leaves the gradients of the weighted losses in the parameters, which must hold none."""

    def __call__(self, batch: Batch, stage: StageConfig) -> Tensor:
        """Every loss of LOSS_NAMES, without a gradient of its own."""
        ...


class StepGradients:
    """Gradients of `judge`, a `ClipLosses`, computed as they are asked for.

    Some loss has to depend on what learns (`reach.require_learning`).
    """

    def __init__(self, judge: nn.Module, weights: LossWeights) -> None:
        self.judge = judge
        self._weights = [float(getattr(weights, name)) for name in LOSS_NAMES]

    def __call__(self, batch: Batch, stage: StageConfig) -> Tensor:
        losses: Tensor = self.judge(batch, stage)
        # A loss that does not count may be infinite for all we care; the judge has detached it.
        counted = [loss * w for loss, w in zip(losses, self._weights, strict=True) if w > 0.0]
        torch.stack(counted).sum().backward()  # type: ignore[no-untyped-call]
        return losses.detach()


@dataclass(frozen=True, slots=True)
class _Recording:
    """A graph and what it reads and writes; None for a parameter that got no gradient."""

    graph: Any
    batch: Batch
    losses: Tensor
    gradients: list[Tensor | None]


class RecordedGradients:
    """The same as CUDA graphs, one for every shape of batch in a stage. One process only."""

    def __init__(self, gradients: StepGradients, parameters: Iterable[nn.Parameter]) -> None:
        self._gradients, self._parameters = gradients, list(parameters)
        self._stage: StageConfig | None = None
        self._recordings: dict[torch.Size, _Recording] = {}

    def __call__(self, batch: Batch, stage: StageConfig) -> Tensor:
        """The losses are good until the next call."""
        if stage != self._stage:
            self._stage = stage
            self._recordings.clear()
        shape = batch.frames.shape
        if shape not in self._recordings:
            self._recordings[shape] = self._record(batch, stage)
        recording = self._recordings[shape]
        for own, given in zip(recording.batch, batch, strict=True):
            own.copy_(given)
        recording.graph.replay()
        for parameter, gradient in zip(self._parameters, recording.gradients, strict=True):
            parameter.grad = gradient
        return recording.losses

    def _record(self, batch: Batch, stage: StageConfig) -> _Recording:
        own = Batch(*(tensor.clone() for tensor in batch))
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP_CALLS):
                self._gradients(own, stage)
                self._forget()
        torch.cuda.current_stream().wait_stream(aside)
        graph: Any = torch.cuda.CUDAGraph()
        # Without gradients to add to, the graph makes its own, and writes them at every replay.
        with torch.cuda.graph(graph):
            losses = self._gradients(own, stage)
        found = [parameter.grad for parameter in self._parameters]
        self._forget()
        return _Recording(graph, own, losses, found)

    def _forget(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None
