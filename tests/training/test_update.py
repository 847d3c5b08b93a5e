"""The update recorded as CUDA graphs against the same computed call by call."""

from __future__ import annotations

import copy

import pytest
import torch

from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import find_variant
from bokehflow.training.checkpoint import RunState
from bokehflow.training.config import OptimiserConfig
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.optimiser import build_optimiser
from bokehflow.training.update import RecordedUpdate, StepUpdate
from tests.tolerances import MUON_IN_BFLOAT16

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

RATES = (1e-3, 2e-3, 5e-4, 3e-3, 1e-3, 2e-3)


class _Counted(StepUpdate):
    """Counts how often the update is asked for, rather than played back."""

    moves = 0

    def move(self) -> None:
        """Count, and move."""
        self.moves += 1
        super().move()


def _run(network: Network) -> RunState:
    optimiser = build_optimiser(network, OptimiserConfig(method="muon", keep_rate=2.0))
    return RunState(network, AveragedWeights(network, 0.9), optimiser)


def test_recorded_updates_are_those_computed_call_by_call() -> None:
    torch.manual_seed(5)
    first = Network(find_variant("nano"), ScanConfig("triton")).cuda()
    runs = [_run(first), _run(copy.deepcopy(first))]
    start = [p.detach().clone() for p in first.parameters()]
    counted = _Counted(runs[1])
    updates = [StepUpdate(runs[0]), RecordedUpdate(counted)]
    places = [[torch.empty_like(p) for p in run.network.parameters()] for run in runs]
    for number, rate in enumerate(RATES):
        for index, (run, update) in enumerate(zip(runs, updates, strict=True)):
            torch.manual_seed(number)
            for parameter, place in zip(run.network.parameters(), places[index], strict=True):
                parameter.grad = place.normal_()
            for parameter in run.network.refine.parameters():
                if number % 2:  # another set of parameters learns: another recording
                    parameter.grad = None
            run.step = number
            update(rate)
    assert counted.moves == 4  # computed and recorded, for each of two sets of gradients
    for a, b, before in zip(*(run.network.parameters() for run in runs), start, strict=True):
        assert (a - b).norm() <= MUON_IN_BFLOAT16 * (a - before).norm()
    averages = [run.averaged.tensors for run in runs]
    for name, before in zip(averages[0], start, strict=True):
        moved = (averages[0][name] - before).norm()
        assert (averages[0][name] - averages[1][name]).norm() <= MUON_IN_BFLOAT16 * moved
