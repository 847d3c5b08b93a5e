"""What a step does to the weights: the optimiser, the average, the guard, carried state."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import nn

from bokehflow.errors import NumericalError, UsageError
from bokehflow.layers.gates import GateFloors, TokenGates
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Size, find_variant
from bokehflow.training import clip_losses
from bokehflow.training.batch import Batch, stack
from bokehflow.training.checkpoint import RunState
from bokehflow.training.clip_losses import LOSS_NAMES, ClipLosses
from bokehflow.training.config import OptimiserConfig, StageConfig, TrainConfig
from bokehflow.training.distributed import World
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.first_network import first_network
from bokehflow.training.gradients import StepGradients
from bokehflow.training.optimiser import build_optimiser
from bokehflow.training.step import MOST_SKIPS_IN_A_ROW, SkipGuard, StepResult, TrainStep
from bokehflow.training.update import StepUpdate
from bokehflow.training.view import look
from tests.tolerances import CLIPPED_NORM_REL, FP32_EQUAL
from tests.training.samples import (
    SIDE_PX,
    TINY,
    stage,
    tiny_clip,
    tiny_config,
    use_tiny_variant,
    whole_view,
)

ALONE = World(0, 1, torch.device("cpu"))
SIZE = Size(16, 16)


def tiny_batch(frames: int = 1) -> Batch:
    """Two clips, seen whole."""
    view = whole_view(Size(SIDE_PX, SIDE_PX))
    return stack([look(tiny_clip(seed, frames), view, SIZE, 60.0) for seed in range(2)])


def tiny_run(config: TrainConfig) -> tuple[RunState, ClipLosses]:
    """A run at its first step and what judges it."""
    torch.manual_seed(3)
    network = Network(TINY).train()
    averaged = AveragedWeights(network, config.ema_decay)
    state = RunState(network, averaged, build_optimiser(network, config.optimiser))
    return state, ClipLosses(network, [SIZE], None, "fp32", config.losses)


def one_step(config: TrainConfig, state: RunState, judge: ClipLosses, batch: Batch) -> StepResult:
    """The run's next step."""
    return step_of(config, state, judge)(batch)


def step_of(config: TrainConfig, state: RunState, judge: ClipLosses) -> TrainStep:
    """The run's step, computed call by call."""
    gradients = StepGradients(judge, config.losses)
    return TrainStep(config, state, gradients, StepUpdate(state), ALONE)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_tiny_batch_can_be_learned_by_heart(precision: str) -> None:
    config = tiny_config(stage(steps=40, rendering="predicted_depth"))
    state, judge = tiny_run(config)
    judge.precision = precision
    batch = tiny_batch()
    totals = [one_step(config, state, judge, batch).total for _ in range(40)]
    assert state.skipped == 0
    assert max(totals[-5:]) < 0.5 * totals[0]


@pytest.mark.parametrize(
    ("one", "present"),
    [
        (stage(), {"depth", "coarse_depth", "depth_ratio", "depth_edges"}),
        (
            stage(rendering="true_depth"),
            {*LOSS_NAMES} - {"perceptual", "temporal", "temporal_depth"},
        ),
        (
            stage(rendering="predicted_depth", frames=3, truncate=2),
            {*LOSS_NAMES} - {"perceptual"},
        ),
    ],
    ids=["depth", "picture", "clips"],
)
def test_each_stage_has_its_losses(one: StageConfig, present: set[str]) -> None:
    _, judge = tiny_run(tiny_config(one))
    losses = judge(tiny_batch(one.frames), one)
    found = {name for name, value in zip(LOSS_NAMES, losses.tolist(), strict=True) if value > 0}
    assert found == present == {*one.losses} - {"perceptual"}


def test_clips_without_depth_cues_teach_no_depth() -> None:
    _, judge = tiny_run(tiny_config())
    batch = tiny_batch(2)._replace(depth_cues=torch.zeros(2))
    losses = judge(batch, stage(rendering="true_depth", frames=2))
    seen = dict(zip(LOSS_NAMES, losses.tolist(), strict=True))
    assert [seen[name] for name in ("depth", "coarse_depth", "depth_edges")] == [0.0] * 3
    assert seen["temporal_depth"] == 0.0
    assert seen["bokeh_l1"] > 0.0


def test_gradients_flow_back_in_time_as_far_as_they_may() -> None:
    batch = tiny_batch(2)
    reached = {}
    for truncate in (0, 1):
        _, judge = tiny_run(tiny_config())
        frames = batch.frames.clone().requires_grad_()
        losses = judge(batch._replace(frames=frames), stage(frames=2, truncate=truncate))
        (gradient,) = torch.autograd.grad(losses[LOSS_NAMES.index("depth")], frames)
        reached[truncate] = gradient[:, 0]
    assert not torch.equal(reached[0], reached[1])


def test_only_matrices_and_kernels_decay() -> None:
    network = Network(TINY)
    optimiser = build_optimiser(network, tiny_config().optimiser)
    decayed = _ids(group for group in optimiser.groups if group["weight_decay"] > 0.0)
    kept = _ids(group for group in optimiser.groups if group["weight_decay"] == 0.0)
    assert decayed | kept == {id(p) for p in network.parameters()}
    assert not decayed & kept
    for module in network.modules():
        if isinstance(module, nn.LayerNorm | GateFloors | TokenGates):
            assert all(id(p) in kept for p in module.parameters())
    assert all(id(p) in kept for name, p in network.named_parameters() if name.endswith("bias"))
    assert id(network.propagate.initial) in kept
    assert id(network.stem.first.weight) in decayed


def test_what_does_not_learn_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_variant(monkeypatch)
    config = tiny_config(stage(rendering="predicted_depth"), learns=("refine",))
    network = first_network(config, ScanConfig("chunked"), restored=False)
    averaged = AveragedWeights(network, config.ema_decay)
    state = RunState(network, averaged, build_optimiser(network, config.optimiser))
    assert _ids(state.optimiser.groups) == {id(p) for p in network.refine.parameters()}
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for _ in range(3):
        one_step(
            config, state, ClipLosses(network, [SIZE], None, "fp32", config.losses), tiny_batch()
        )
    after = network.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(after[name], before[name])}
    assert changed == {"refine"}
    assert all(
        torch.equal(averaged.tensors[name], tensor)
        for name, tensor in before.items()
        if not name.startswith("refine")
    )


def test_a_loss_that_does_not_count_has_no_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own would be 0 x inf."""

    def infinite(_: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        return found.flatten(1).sum(1) * math.inf

    monkeypatch.setattr(clip_losses, "log_ratio_loss", infinite)
    config = tiny_config(stage("layout"))
    assert config.losses.depth_ratio == 0.0
    state, judge = tiny_run(config)
    StepGradients(judge, config.losses)(tiny_batch(), config.stages[0])
    gradients = [p.grad for p in state.network.parameters() if p.grad is not None]
    assert gradients
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


def test_muon_takes_the_matrices_of_linear_layers_alone() -> None:
    config = OptimiserConfig(method="muon", keep_rate=20.0)
    network = Network(find_variant("nano"))
    parts = build_optimiser(network, config).state_dict()
    assert set(parts) == {"adamw", "muon"}
    groups = build_optimiser(network, config).groups
    everything = [id(p) for group in groups for p in group["params"]]
    assert len(everything) == len(set(everything)) == len(list(network.parameters()))
    moved = _ids(groups[-1:])
    assert id(network.depth_blocks[0].scan.project.weight) in moved
    assert id(network.stem.first.weight) not in moved
    assert id(network.coarse.read.weight) not in moved
    assert _ids(g for g in groups if g["rate"] == 20.0) == {
        id(p) for p in network.propagate.keep.parameters()
    }


def test_what_keeps_the_state_has_a_rate_of_its_own() -> None:
    optimiser = build_optimiser(Network(TINY), OptimiserConfig(method="muon", keep_rate=20.0))
    optimiser.set_rate(0.125)
    rates = [(group["rate"], group["lr"].item()) for group in optimiser.groups]
    assert set(rates) == {(1.0, 0.125), (20.0, 2.5)}


def test_something_else_is_done_before_the_weights_move() -> None:
    config = tiny_config()
    state, judge = tiny_run(config)
    before = state.network.stem.first.weight.clone()
    found: list[bool] = []

    def look_on() -> None:
        found.append(torch.equal(state.network.stem.first.weight, before))

    step_of(config, state, judge)(tiny_batch(), look_on)
    assert found == [True]
    assert not torch.equal(state.network.stem.first.weight, before)


def _ids(groups: Iterable[dict[str, Any]]) -> set[int]:
    return {id(p) for group in groups for p in group["params"]}


def test_the_average_follows_the_weights() -> None:
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
    averaged = AveragedWeights(network, 0.5)
    expected = 0.0
    for step, value in enumerate([1.0, 2.0, 4.0, 8.0, 3.0]):
        with torch.no_grad():
            network.weight.fill_(value)
        averaged.set_step(step)
        averaged.update(network)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1.0 - decay) * value
    assert averaged.tensors["weight"].item() == pytest.approx(expected, rel=FP32_EQUAL)


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted() -> None:
    config = tiny_config()
    state, judge = tiny_run(config)
    before = {name: p.clone() for name, p in state.network.named_parameters()}
    batch = tiny_batch()
    result = one_step(config, state, judge, batch._replace(frames=batch.frames * float("nan")))
    assert result.skipped
    assert (state.step, state.skipped) == (1, 1)
    assert all(torch.equal(before[name], p) for name, p in state.network.named_parameters())
    assert all(torch.equal(before[name], p) for name, p in state.averaged.tensors.items())
    assert not one_step(config, state, judge, batch).skipped


def test_a_stage_has_a_rate_of_its_own() -> None:
    rates = []
    for factor in (1.0, 10.0):
        config = tiny_config(stage(rate=factor))
        state, judge = tiny_run(config)
        rates.append(one_step(config, state, judge, tiny_batch()).learning_rate)
        applied = [group["lr"].item() for group in state.optimiser.groups]
        assert applied == pytest.approx([rates[-1]] * len(applied))
    assert rates[1] == pytest.approx(10.0 * rates[0])
    with pytest.raises(UsageError, match="rate=0"):
        stage(rate=0.0)


def test_a_run_that_only_skips_is_stopped() -> None:
    config = tiny_config(stage(steps=MOST_SKIPS_IN_A_ROW))
    state, judge = tiny_run(config)
    batch = tiny_batch()
    result = one_step(config, state, judge, batch._replace(frames=batch.frames * float("inf")))
    guard = SkipGuard()
    for step in range(MOST_SKIPS_IN_A_ROW - 1):
        guard.check(result, step)
    with pytest.raises(NumericalError, match="lower learning_rate"):
        guard.check(result, MOST_SKIPS_IN_A_ROW)


def test_gradients_are_clipped_to_their_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny_config()
    state, judge = tiny_run(config)
    seen: list[float] = []

    def note() -> None:
        grads = [p.grad for p in state.network.parameters() if p.grad is not None]
        seen.append(float(torch.stack([g.norm() for g in grads]).norm()))

    monkeypatch.setattr(state.optimiser, "step", note)
    batch = tiny_batch()
    far = batch._replace(inverse_depth=batch.inverse_depth * 50.0)
    result = one_step(config, state, judge, far)
    assert result.gradient_norm > config.optimiser.clip_norm
    assert seen == [pytest.approx(config.optimiser.clip_norm, rel=CLIPPED_NORM_REL)]
