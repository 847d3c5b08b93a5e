"""Runs of a tiny network through three stages, whole or in slices."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Any

from bokehflow.calibration.data.folder import FoundClips
from bokehflow.training import TrainConfig, TrainOptions, TrainReport, train
from tests.training.samples import stage, tiny_config

CONFIG = tiny_config(
    stage("depth", 3),
    stage("picture", 2, rendering="predicted_depth"),
    stage("clips", 2, frames=2, truncate=1, rendering="predicted_depth"),
)


def train_to(
    clips: FoundClips,
    out: Path,
    stop_after: int | None = None,
    config: TrainConfig = CONFIG,
    **options: Any,
) -> TrainReport:
    """Train with the chunked scan; stop_after: send Ctrl-C to ourselves after so many steps."""
    done = itertools.count()

    def advance(_: int) -> None:
        if next(done) == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    return train(config, clips, TrainOptions(out, scan="chunked", **options), advance)
