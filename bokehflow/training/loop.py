"""A run in slices: set up or go on, step until the end, the time or an interruption, save."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from bokehflow.atomic import drop_unfinished, output_errors, require_writable
from bokehflow.calibration.data.folder import FoundClips
from bokehflow.errors import (
    BokehFlowError,
    InputError,
    NumericalError,
    OutputError,
    UsageError,
    WeightsError,
)
from bokehflow.scan import ScanConfig
from bokehflow.sole_use import sole_use
from bokehflow.training.ahead import Fetched
from bokehflow.training.batch import Batch
from bokehflow.training.changes import note_change
from bokehflow.training.checkpoint import (
    NAME,
    RunState,
    read_checkpoint,
    restore,
    save_checkpoint,
)
from bokehflow.training.clip_losses import ClipLosses
from bokehflow.training.clips import batches
from bokehflow.training.config import TrainConfig
from bokehflow.training.config_file import differences
from bokehflow.training.curves import Curves, has_rows
from bokehflow.training.distributed import World, open_world
from bokehflow.training.draws import Drawing
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.first_network import first_network
from bokehflow.training.gradients import RecordedGradients, StepGradients
from bokehflow.training.interrupt import Interruption, noted_interruption
from bokehflow.training.optimiser import build_optimiser
from bokehflow.training.perceptual import build_perceptual
from bokehflow.training.precision import check_precision
from bokehflow.training.progress import Clock, SliceLog
from bokehflow.training.resident import resident_batches
from bokehflow.training.snapshot import (
    FOLDER,
    drop_later_snapshots,
    snapshots,
    write_snapshot,
)
from bokehflow.training.step import SkipGuard, TrainStep
from bokehflow.training.update import RecordedUpdate, StepUpdate

CURVES = "curves.csv"
FINISHED, OUT_OF_TIME, INTERRUPTED = "finished", "time", "interrupted"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """The machine and the slice; nothing here changes what a run becomes but for rounding, and with
    `resident` for the noise of camera looks, which is drawn on the device.

    out: the run's folder, which processes on several machines have to share. scan: "triton"
    computes on CUDA, all others on the CPU. precision: "fp32", or "bf16" for the network's products
    and convolutions (`training.precision`). minutes: stop after so long, None for no limit. resume:
    go on from the folder's checkpoint, where it has one. new_config: go on although the config has
    changed. workers: processes that make batches ahead, 0 for none. resident: hold all clips on the
    device, where they must fit, and cut batches there, so that a GPU does not wait for clips to be
    read.
    """

    out: Path
    scan: str = "cpu"
    precision: str = "fp32"
    minutes: float | None = None
    resume: bool = False
    new_config: bool = False
    workers: int = 1
    resident: bool = False

    def __post_init__(self) -> None:
        ScanConfig(self.scan)
        check_precision(self.precision)
        if self.minutes is not None and not self.minutes > 0:
            raise UsageError(f"minutes={self.minutes}", "above 0")
        if self.workers < 0:
            raise UsageError(f"workers={self.workers}", "at least 0")


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What one slice did. stopped: "finished", "time" or "interrupted" (by signal_number).

    loss: mean of the steps since the last row of the curves, of that row where there are none, None
    where every step was skipped. changed: what is otherwise than in the slice before, keys of the
    config and "clips".
    """

    stopped: str
    signal_number: int
    first_step: int
    step: int
    total_steps: int
    skipped: int
    loss: float | None
    seconds_per_step: float
    leads: bool
    changed: tuple[str, ...] = ()


def train(
    config: TrainConfig,
    clips: FoundClips,
    options: TrainOptions,
    advance: Callable[[int], None] = lambda _: None,
) -> TrainReport:
    """Train for one slice and leave a checkpoint.

    advance: called with the number of steps that are done already, then with 1 after each. Raises
    MissingDependencyError or UsageError where this machine cannot run the scan, WeightsError for a
    checkpoint of another variant, UsageError for a folder or a config that does not fit and for a
    folder that another run is in, OutputError for a full disk (the last checkpoint stays),
    NumericalError after too many steps that were not finite.
    Where a clip cannot be read any more (InputError) or a process that makes batches was ended
    (DeviceError), the checkpoint holds the steps before.
    """
    drawing = Drawing(config, clips)
    clock = Clock(options.minutes)
    with contextlib.ExitStack() as stack:
        world = stack.enter_context(open_world(ScanConfig(options.scan).device))
        noted = stack.enter_context(noted_interruption())
        world.check_batches(config)
        if world.leads:
            stack.enter_context(sole_use(options.out, "run", "choose another --out"))
        state, changed = _open_run(config, clips.identity, options, world)
        step = _step(config, options, state, world)
        run = _Run(config, drawing, options, world, state, step, changed, state.step)
        return _run_slice(run, clock, noted, advance)


def _open_run(
    config: TrainConfig, clips: str, options: TrainOptions, world: World
) -> tuple[RunState, tuple[str, ...]]:
    """The run at its first step, or where its checkpoint left it; and what has changed since.

    clips: the identity of those that it goes on with.
    """
    goes_on = (options.out / NAME).is_file()
    network = first_network(config, ScanConfig(options.scan), restored=goes_on)
    network.to(world.device).train()
    averaged = AveragedWeights(network, config.ema_decay)
    optimiser = build_optimiser(network, config.optimiser)
    state = RunState(network, averaged, optimiser, clips=clips)
    torch.manual_seed(config.seed)
    changed = _go_on(config, options, state) if goes_on else ()
    if not goes_on:
        _require_nothing_kept(options)
    if world.leads:
        with output_errors(options.out):
            (options.out / FOLDER).mkdir(parents=True, exist_ok=True)
            drop_later_snapshots(options.out, state.step)
        require_writable(options.out / NAME)
        drop_unfinished(options.out / NAME)
    _require_one_run(world, config, state)
    return state, changed


def _require_one_run(world: World, config: TrainConfig, state: RunState) -> None:
    """Raise UsageError, in all processes, where they do not take the same step next: machines have
    folders of their own."""
    parts = {"config": str(config), "clips": state.clips, "step": str(state.step)}
    for name, own in parts.items():
        if len(set(found := world.gathered(own))) > 1:
            shown = f": {', '.join(found)}" if name == "step" else ""
            raise UsageError(
                f"the processes of this run differ in their {name}{shown}",
                "one run, whose config, data and --out are the same on all machines",
                "put them where all machines see them",
            )


def _require_nothing_kept(options: TrainOptions) -> None:
    """Raise UsageError where a run would begin in a folder that keeps what another one made."""
    kept = [path.name for path in snapshots(options.out)]
    if not options.resume and has_rows(options.out / CURVES):
        kept.append(CURVES)
    if kept:
        raise UsageError(
            f"{options.out} holds {kept[0]} of a run, and no {NAME}",
            "a folder without a run, or with its checkpoint",
            "put the checkpoint back, or choose another --out",
        )


def _go_on(config: TrainConfig, options: TrainOptions, state: RunState) -> tuple[str, ...]:
    """Restore the folder's checkpoint, if that is what was asked for.

    Returns the keys of the config that are others now, and "clips" where the steps to come see
    others: more may have been made meanwhile.
    """
    if not options.resume:
        raise UsageError(
            f"{options.out} already holds a run",
            remedy="go on with --resume, or choose another --out",
        )
    checkpoint = read_checkpoint(options.out)
    changed = differences(checkpoint.config, config)
    if "ablation" in changed:
        raise WeightsError(
            f"the checkpoint is of a network with ablation {checkpoint.config.ablation!r}",
            f"one with {config.ablation!r}",
            "train into another folder",
        )
    if "learns" in changed:
        raise UsageError(
            "the config lets other parts learn than the checkpoint's",
            "the same, whose moments the checkpoint holds",
            "train into another folder, from the weights that bfx export-weights makes of this one",
        )
    if "variant" not in changed and changed and not options.new_config:
        raise UsageError(
            f"the config differs from the checkpoint's in {', '.join(changed)}",
            "the config that the run began with",
            "pass --new-config to go on under the changed one, or train into another folder",
        )
    if checkpoint.step > config.total_steps:
        raise UsageError(
            f"a checkpoint of step {checkpoint.step}, and a config of {config.total_steps}",
            "as many steps or more",
            "lengthen a stage, or train into another folder",
        )
    restore(checkpoint, state)
    others = checkpoint.clips not in ("", state.clips)
    return (*changed, "clips") if others else tuple(changed)


def _step(config: TrainConfig, options: TrainOptions, state: RunState, world: World) -> TrainStep:
    """The run's step, recorded where one GPU has the run to itself."""
    judge = world.shared(_judge(config, options, state, world))
    gradients, update = StepGradients(judge, config.losses), StepUpdate(state)
    if world.device.type == "cuda" and world.size == 1:
        recorded = RecordedGradients(gradients, state.network.parameters())
        return TrainStep(config, state, recorded, RecordedUpdate(update), world)
    return TrainStep(config, state, gradients, update, world)


def _judge(config: TrainConfig, options: TrainOptions, state: RunState, world: World) -> nn.Module:
    """The losses over the run's network, on its device."""
    rendering = [stage for stage in config.stages if stage.renders]
    sizes = [size for stage in rendering for size in stage.parsed_sizes()]
    wanted = config.losses.perceptual > 0 and bool(rendering)
    perceptual = build_perceptual(config) if wanted else None
    judge = ClipLosses(state.network, sizes, perceptual, options.precision, config.losses)
    return judge.to(world.device)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that is ready for its next step."""

    config: TrainConfig
    drawing: Drawing
    options: TrainOptions
    world: World
    state: RunState
    step: TrainStep
    changed: tuple[str, ...]
    first_step: int

    def save(self) -> None:
        if self.world.leads:
            save_checkpoint(self.options.out, self.config, self.state)
            if self.changed:
                note_change(self.options.out, self.first_step, self.changed)

    def write_snapshot(self) -> None:
        # Where there is no room for one more file there may be for a newer checkpoint.
        self.save()
        tensors, step = self.state.averaged.tensors, self.state.step
        write_snapshot(self.options.out, self.config, tensors, step)

    def met(self, ahead: Fetched[Batch]) -> Iterator[Batch]:
        """The batches, while every process has its part of one.

        Raises, in all processes at once, what kept one from being made, or InputError where that
        was another's.
        """
        while True:
            ahead.fetch()
            if self.world.any(ahead.failure is not None):
                raise ahead.failure or InputError(
                    "another process could not make its part of a batch",
                    remedy="its own message says why",
                )
            batch = next(ahead, None)
            if batch is None:
                return
            yield batch

    def batches(self) -> Generator[Batch]:
        part, workers = (self.world.rank, self.world.size), self.options.workers
        step = self.state.step
        if self.options.resident:
            return resident_batches(self.drawing, step, part, workers, self.world.device)
        return batches(self.drawing, step, part, workers)


def _run_slice(
    run: _Run, clock: Clock, noted: Interruption, advance: Callable[[int], None]
) -> TrainReport:
    """Step until the end of the run or of the slice, then save."""
    config, state, world = run.config, run.state, run.world
    first_step = state.step
    curves = Curves(run.options.out / CURVES, first_step) if world.leads else None
    advance(first_step)
    log = SliceLog(config, curves)
    try:
        stopped = _step_on(run, clock, noted, log, advance)
    except (NumericalError, OutputError):  # the last checkpoint is better, or all there is room for
        raise
    except BokehFlowError:  # that all processes meet: what was learnt of the steps before stays
        if state.step > first_step:
            run.save()
        # torchrun ends all processes with the first that ends.
        world.wait()
        raise
    run.save()
    return TrainReport(
        stopped=stopped,
        signal_number=noted.signal_number,
        first_step=first_step,
        step=state.step,
        total_steps=config.total_steps,
        skipped=state.skipped,
        loss=log.last_loss,
        seconds_per_step=log.seconds_per_step,
        leads=world.leads,
        changed=run.changed,
    )


def _step_on(
    run: _Run, clock: Clock, noted: Interruption, log: SliceLog, advance: Callable[[int], None]
) -> str:
    """Step until the end of the run or of the slice; returns which it was."""
    config, state, world, guard = run.config, run.state, run.world, SkipGuard()
    with contextlib.closing(run.batches()) as source:
        ahead = Fetched(source)
        for batch in run.met(ahead):
            result = run.step(batch.to(world.device), ahead.fetch)
            guard.check(result, state.step)
            log.note(state.step, state.skipped, result)
            advance(1)
            if world.leads and state.step % config.snapshot_every == 0:
                run.write_snapshot()
            if state.step == config.total_steps:
                break
            if world.any(bool(noted.signal_number)):
                return INTERRUPTED
            if world.any(clock.expired):
                return OUT_OF_TIME
            if clock.due(config.checkpoint_minutes):
                run.save()
    return FINISHED
