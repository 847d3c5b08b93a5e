"""A run at its first step, or where its checkpoint left it, in a folder that is its own."""

from __future__ import annotations

import torch

from bokehflow.atomic import drop_unfinished, output_errors, require_writable
from bokehflow.errors import UsageError, WeightsError
from bokehflow.scan import ScanConfig
from bokehflow.training.changes import read_changes
from bokehflow.training.checkpoint import NAME, RunState, read_checkpoint, restore
from bokehflow.training.config import TrainConfig
from bokehflow.training.config_file import differences
from bokehflow.training.curves import CURVES, has_rows
from bokehflow.training.distributed import World
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.first_network import first_network
from bokehflow.training.optimiser import build_optimiser
from bokehflow.training.options import TrainOptions
from bokehflow.training.snapshot import FOLDER, drop_later_snapshots, snapshots_in


def open_run(
    config: TrainConfig, clips: str, options: TrainOptions, world: World
) -> tuple[RunState, tuple[str, ...]]:
    """The run at its first step, or where its checkpoint left it; and what has changed since.

    clips: the identity of those that it goes on with. Raises UsageError for a folder or a config
    that does not fit and where processes are not of one run, WeightsError for a checkpoint of
    another network, InputError for one that cannot be read, OutputError for a folder that cannot be
    written.
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
    kept = [path.name for _, path in snapshots_in(options.out / FOLDER)]
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
    # A damaged file is told before the slice, not when a change is to be noted in it.
    read_changes(options.out)
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
