"""Weights files from a run: the averaged weights, ready for every other command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from bokehflow.errors import NumericalError
from bokehflow.scan import ScanConfig
from bokehflow.training.checkpoint import read_checkpoint
from bokehflow.training.config import TrainConfig
from bokehflow.training.first_network import first_network
from bokehflow.weights import WeightsInfo, save_weights

FOLDER = "snapshots"


def write_snapshot(
    run: Path, config: TrainConfig, tensors: Mapping[str, Tensor], step: int
) -> Path:
    """Write the averaged weights of a step into the run's folder. Raises OutputError."""
    path = run / FOLDER / f"step-{step:07d}.safetensors"
    save_averaged(path, config, tensors)
    return path


def export_weights(run: Path, path: Path) -> WeightsInfo:
    """Write the averaged weights of a run's checkpoint, in float16.

    Raises InputError where the run has no checkpoint, WeightsError where its weights do not fit its
    own network, OutputError for a place that cannot be written, NumericalError for weights beyond
    float16.
    """
    checkpoint = read_checkpoint(run)
    checkpoint.require_fit(first_network(checkpoint.config, ScanConfig(), restored=True))
    return save_averaged(path, checkpoint.config, checkpoint.averaged)


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
