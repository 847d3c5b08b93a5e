"""The renderer as an ONNX graph: the same picture, static and of low rank."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from bokehflow.rendering import EdgeAwareUpsample, RenderConfig, Renderer
from bokehflow.rendering.config import Quality
from tests.rendering.pictures import psnr_db, textured
from tests.runtimes.mil import sqnr_db, through_package
from tests.tolerances import EXPORT_PSNR_DB

MAX_RANK = 5


class UpsampleAndRender(nn.Module):
    """What an artifact holds around the network."""

    def __init__(self, height: int, width: int, quality: Quality, reach_px: float) -> None:
        super().__init__()
        small = (-(-height * 2 // 5), -(-width * 2 // 5))
        self.upsample = EdgeAwareUpsample(small, (height, width))
        config = RenderConfig(quality, blades=5, highlight_recovery=1.0, max_radius_px=reach_px)
        self.renderer = Renderer(height, width, config)

    def forward(self, image: Tensor, inverse_depth: Tensor) -> Tensor:
        """Render [B, 3, H, W] with [B, 1, h, w]; focus at 1 m."""
        radius = 16.0 * (self.upsample(inverse_depth, image) - 1.0)
        rendered: Tensor = self.renderer(image, radius)
        return rendered


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("size", "quality", "reach_px"), [((97, 161), "mobile", 24.0), ((48, 80), "best", 9.0)]
)
def test_onnx_graph_renders_the_same_picture(
    size: tuple[int, int], quality: Quality, reach_px: float, tmp_path: Path
) -> None:
    module = UpsampleAndRender(*size, quality, reach_px).eval()
    image = textured(*size)
    coarse = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(1))
    inverse_depth = nn.functional.interpolate(coarse, module.upsample.network_size) * 1.5 + 0.2
    program = torch.export.export(module, (image, inverse_depth))
    ranks = [
        node.meta["val"].ndim
        for node in program.graph.nodes
        if isinstance(node.meta.get("val"), Tensor)
    ]
    assert max(ranks) <= MAX_RANK
    path = tmp_path / "render.onnx"
    exported = torch.onnx.export(program, dynamo=True, verbose=False)
    assert exported is not None
    exported.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [put.name for put in session.get_inputs()]
    feeds = dict(zip(names, (image.numpy(), inverse_depth.numpy()), strict=True))
    test = torch.from_numpy(np.asarray(session.run(None, feeds)[0]))
    with torch.no_grad():
        reference = module(image, inverse_depth)
    assert psnr_db(reference, test) >= EXPORT_PSNR_DB


def test_core_ml_renders_a_frame_so_small_that_nothing_is_coarse(tmp_path: Path) -> None:
    image = textured(24, 20)
    radius = torch.linspace(-1.5, 1.5, 20).expand(1, 1, 24, 20).contiguous()
    module = Renderer(24, 20, RenderConfig(max_radius_px=1.5)).eval()
    (expected,), (found,), _ = through_package(module, (image, radius), tmp_path, "fp32")
    assert sqnr_db(expected.numpy(), found) > EXPORT_PSNR_DB
