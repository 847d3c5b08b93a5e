from __future__ import annotations

from pathlib import Path

import torch

from bokehflow.cli.lens_options import LensValues
from bokehflow.cli.network_frames import NetworkFrames
from bokehflow.cli.render_files import render_files
from bokehflow.cli.render_job import RenderJob
from bokehflow.focus import Focus
from bokehflow.model import BokehFlow, ModelConfig
from bokehflow.optics import Lens
from tests.benchmarks.evaluation.samples import tiny_sight


def test_a_lens_is_autofocused_as_the_command_does_it() -> None:
    sight, fov_deg, image = tiny_sight(), 40.0, torch.rand(1, 3, 48, 64)
    config = ModelConfig("mobile", source_fov_deg=fov_deg)
    model = BokehFlow(sight.model.network, sight.model.weights, config)
    files = render_files(Path("a.png"), None, None, None, None)
    lens = Lens(focus_m=3.0)
    values = LensValues(lens.focal_length_mm, lens.f_number, lens.sensor_width_mm)
    job = RenderJob(files, values, Focus(), NetworkFrames(model))
    assert model.depth_scale > 1.2
    assert sight.autofocused(image, lens, fov_deg) == job.focused_lens(image).lens
