"""torch: a pipeline in eager mode, behind the same protocol as every engine. The reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from bokehflow.pipeline import Pipeline
from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.session import SessionInfo
from bokehflow.signature import input_specs, output_specs


class TorchSession:
    """A pipeline in memory."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline.eval()
        network = pipeline.network
        wanted = network.variant, pipeline.frame_size, network.temporal.segments
        self.info = SessionInfo(
            runtime="torch",
            version=torch.__version__,
            device="cpu",
            mode="executed",
            input_shapes={spec.name: spec.shape for spec in input_specs(*wanted)},
            output_names=tuple(spec.name for spec in output_specs(*wanted)),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        arrays = checked_feeds(feeds, self.info.input_shapes).values()
        with torch.inference_mode():
            outputs = self._pipeline(*(torch.from_numpy(array) for array in arrays))
        return dict(zip(self.info.output_names, (value.numpy() for value in outputs), strict=True))
