"""A pipeline as one static graph: the common start of every exporter."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.export import ExportedProgram

from bokehflow.optics import Lens
from bokehflow.pipeline import Pipeline


def example_inputs(pipeline: Pipeline) -> tuple[Tensor, ...]:
    """One frame's inputs, in the order of `signature.input_specs`."""
    size = pipeline.frame_size
    image = torch.full((1, 3, size.height, size.width), 0.5)
    lens = torch.tensor([Lens().as_tuple()])
    return (image, lens, *pipeline.network.first_state())


def trace(pipeline: Pipeline) -> ExportedProgram:
    """The pipeline's ATen graph, every shape a number."""
    with torch.no_grad(), warnings.catch_warnings():
        # torch warns about its own internals while it traces.
        warnings.simplefilter("ignore")
        return torch.export.export(pipeline.eval(), example_inputs(pipeline), strict=False)
