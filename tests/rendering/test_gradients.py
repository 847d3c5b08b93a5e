"""Gradients reach the picture, the depth and the lens."""

import torch
from torch import Tensor

from bokehflow.optics import signed_radius_px
from bokehflow.rendering import RenderConfig, Renderer
from tests.rendering.pictures import textured


def test_gradcheck_in_float64() -> None:
    height, width = 6, 7
    renderer = Renderer(height, width, RenderConfig("mobile", max_radius_px=4.0)).double()
    generator = torch.Generator().manual_seed(3)
    image = (0.2 + 0.6 * textured(height, width)).double().requires_grad_()
    inverse_depth = (0.3 + torch.rand(1, 1, height, width, generator=generator)).double()
    inverse_depth.requires_grad_()
    lens = torch.tensor([[50.0, 1.8, 1.5, 36.0]], dtype=torch.float64, requires_grad=True)

    def picture(image: Tensor, inverse_depth: Tensor, lens: Tensor) -> Tensor:
        focal_mm, f_number, focus_m, sensor_mm = lens.reshape(1, 4, 1, 1, 1).unbind(1)
        radius = signed_radius_px(
            inverse_depth, focal_mm, f_number, focus_m, sensor_mm, width_px=16 * width
        )
        rendered: Tensor = renderer(image, radius)
        return rendered

    assert torch.autograd.gradcheck(picture, (image, inverse_depth, lens), fast_mode=True)


def test_a_renderer_made_without_gradients_has_them() -> None:
    with torch.inference_mode():
        renderer = Renderer(9, 11, RenderConfig("mobile", max_radius_px=4.0))
    image = torch.rand(1, 3, 9, 11, requires_grad=True)
    renderer(image, torch.full((1, 1, 9, 11), 2.0)).sum().backward()
    assert image.grad is not None
