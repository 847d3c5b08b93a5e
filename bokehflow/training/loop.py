"""A run in slices: set up or go on, step until the end, the time or an interruption, save."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from bokehflow.atomic import output_folder
from bokehflow.calibration.data.folder import FoundClips
from bokehflow.errors import BokehFlowError, InputError, NumericalError, OutputError
from bokehflow.scan import ScanConfig
from bokehflow.sole_use import sole_use
from bokehflow.training.ahead import Fetched
from bokehflow.training.batch import Batch
from bokehflow.training.changes import note_change
from bokehflow.training.checkpoint import RunState, save_checkpoint
from bokehflow.training.clip_losses import ClipLosses
from bokehflow.training.clips import batches
from bokehflow.training.config import TrainConfig
from bokehflow.training.curves import CURVES, Curves
from bokehflow.training.distributed import World, open_world
from bokehflow.training.draws import Drawing
from bokehflow.training.gradients import RecordedGradients, StepGradients
from bokehflow.training.interrupt import Interruption, noted_interruption
from bokehflow.training.opening import open_run
from bokehflow.training.options import TrainOptions
from bokehflow.training.perceptual import build_perceptual
from bokehflow.training.progress import Clock, SliceLog
from bokehflow.training.reach import require_learning
from bokehflow.training.resident import resident_batches
from bokehflow.training.snapshot import FOLDER, write_snapshot
from bokehflow.training.step import SkipGuard, TrainStep
from bokehflow.training.update import RecordedUpdate, StepUpdate

FINISHED, OUT_OF_TIME, INTERRUPTED = "finished", "time", "interrupted"


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
    checkpoint of another variant, UsageError for a folder or a config that does not fit, for a
    stage that teaches nothing that learns and for a folder that another run is in, OutputError for
    a full disk (the last checkpoint stays), NumericalError after too many steps that were not
    finite.
    A folder that was made for the run goes where it fails before anything is in it.
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
            stack.enter_context(output_folder(options.out / FOLDER))
        state, changed = open_run(config, clips.identity, options, world)
        step = _step(config, options, state, world)
        run = _Run(config, drawing, options, world, state, step, changed, state.step)
        return _run_slice(run, clock, noted, advance)


def _step(config: TrainConfig, options: TrainOptions, state: RunState, world: World) -> TrainStep:
    """The run's step, recorded where one GPU has the run to itself."""
    judge = _judge(config, options, state, world)
    require_learning(config, judge)
    gradients, update = StepGradients(world.shared(judge), config.losses), StepUpdate(state)
    if world.device.type == "cuda" and world.size == 1:
        recorded = RecordedGradients(gradients, state.network.parameters())
        return TrainStep(config, state, recorded, RecordedUpdate(update), world)
    return TrainStep(config, state, gradients, update, world)


def _judge(config: TrainConfig, options: TrainOptions, state: RunState, world: World) -> ClipLosses:
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
            # First: once the checkpoint holds the new config, no later slice sees a change.
            if self.changed:
                note_change(self.options.out, self.first_step, self.changed)
            save_checkpoint(self.options.out, self.config, self.state)

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
