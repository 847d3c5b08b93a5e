"""Training: a config and a folder of clips become weights, in slices on whatever machine."""

from bokehflow.training.config import (
    LossWeights,
    OptimiserConfig,
    StageConfig,
    TrainConfig,
)
from bokehflow.training.config_file import read_config
from bokehflow.training.loop import TrainReport, train
from bokehflow.training.options import TrainOptions

__all__ = [
    "LossWeights",
    "OptimiserConfig",
    "StageConfig",
    "TrainConfig",
    "TrainOptions",
    "TrainReport",
    "read_config",
    "train",
]
