"""The machine and the slice that a run is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bokehflow.errors import UsageError
from bokehflow.scan import ScanConfig
from bokehflow.training.precision import check_precision


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
