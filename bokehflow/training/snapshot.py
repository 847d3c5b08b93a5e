"""Weights files from a run: the averaged weights, ready for every other command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bokehflow.errors import NumericalError, UsageError, WeightsError
from bokehflow.scan import ScanConfig
from bokehflow.training.ablate import NONE
from bokehflow.training.checkpoint import read_checkpoint
from bokehflow.training.config import TrainConfig
from bokehflow.training.first_network import first_network
from bokehflow.weights import WeightsInfo, read_weights, save_weights

FOLDER = "snapshots"
_BEFORE, _AFTER = "step-", ".safetensors"
NAMES = f"{_BEFORE}<number>{_AFTER}"
"""What snapshots are called, as a message tells it."""
EVEN_SHARE = 0.5


def write_snapshot(
    run: Path, config: TrainConfig, tensors: Mapping[str, Tensor], step: int
) -> Path:
    """Write the averaged weights of a step into the run's folder. Raises OutputError."""
    path = run / FOLDER / f"{_BEFORE}{step:07d}{_AFTER}"
    save_averaged(path, config, tensors)
    return path


def snapshots_in(folder: Path) -> list[tuple[int, Path]]:
    """Step and file of every snapshot in a folder of them, in order."""
    paths = folder.glob(f"{_BEFORE}*{_AFTER}")
    numbers = {path: path.name.removeprefix(_BEFORE).removesuffix(_AFTER) for path in paths}
    return sorted((int(number), path) for path, number in numbers.items() if number.isdecimal())


def drop_later_snapshots(run: Path, step: int) -> None:
    """Remove those beyond a step: of a slice cut off before it saved."""
    for number, path in snapshots_in(run / FOLDER):
        if number > step:
            path.unlink()


def export_weights(
    run: Path, path: Path, mean_with: Path | None = None, share: float = EVEN_SHARE
) -> WeightsInfo:
    """Write the averaged weights of a run's checkpoint, in float16.

    mean_with: a weights file, best the one that the run began with: what is written is the mean of
    the two, in which the run counts by its share in 0..1. What was learned from few scenes then
    costs less elsewhere. Source: Wortsman et al., arXiv 2109.01903, section 3.

    Raises InputError where the run has no checkpoint, WeightsError for an ablated network and where
    the weights do not fit their own network or the other file's, OutputError for a place that
    cannot be written, NumericalError for weights beyond float16, UsageError for a share that is
    none.
    """
    checkpoint = read_checkpoint(run)
    if checkpoint.config.ablation != NONE:
        raise WeightsError(
            f"{run} trained a network with the ablation {checkpoint.config.ablation!r}",
            "one that is whole, as every command loads",
            "score it with python -m bokehflow.benchmarks.evaluation.ablations",
        )
    checkpoint.require_fit(first_network(checkpoint.config, ScanConfig(), restored=True))
    tensors = checkpoint.averaged
    if mean_with is not None:
        tensors = _mean(checkpoint.config, tensors, mean_with, share)
    return save_averaged(path, checkpoint.config, tensors)


def _mean(
    config: TrainConfig, tensors: Mapping[str, Tensor], path: Path, share: float
) -> dict[str, Tensor]:
    """The mean of these weights, as a file holds them, and those of a file."""
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"a share of {share:g}", "a number in 0..1")
    others, info = read_weights(path, config.variant)
    if info.canonical_fov_deg != config.canonical_fov_deg or others.keys() != tensors.keys():
        raise WeightsError(
            f"{path} holds weights of another network or field of view",
            f"those of the run: {config.variant} at {config.canonical_fov_deg:g} degrees",
            "name the weights that the run began with",
        )
    for name, other in others.items():
        if other.shape != tensors[name].shape or not bool(other.isfinite().all()):
            raise WeightsError(
                f"{path} holds {name} of shape {tuple(other.shape)}, or values that are not finite",
                f"shape {tuple(tensors[name].shape)} and finite values",
                "name the weights that the run began with",
            )
    return {
        name: (1.0 - share) * others[name].float() + share * tensor.half().float()
        for name, tensor in tensors.items()
    }


def save_averaged(path: Path, config: TrainConfig, tensors: Mapping[str, Tensor]) -> WeightsInfo:
    """Write weights in float16, marked as trained for the config's canonical field of view."""
    halves = {name: tensor.half() for name, tensor in tensors.items()}
    beyond = [name for name, half in halves.items() if not bool(torch.isfinite(half).all())]
    if beyond:
        raise NumericalError(
            f"{beyond[0]} has values beyond float16", "finite weights", "go back to a snapshot"
        )
    return save_weights(
        path, halves, config.variant, trained=True, fov_deg=config.canonical_fov_deg
    )
