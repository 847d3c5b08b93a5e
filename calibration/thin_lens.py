"""The exact picture that a thin lens takes of a stack of layers.

A point at inverse depth q (1/m) that the centre of the lens sees at p (pixels) is seen from the
point u of the lens (in aperture radii) at p' = p - c(q) u, where c is the signed blur radius in
pixels of `bokehflow.optics`: what is nearer than the focus moves against the lens, what is farther
moves with it, and so the blur of the latter shows the aperture upright. The picture is the mean
over u of the layers as seen from u, composited back to front. So one lens sample is: move every
layer, composite; nothing is approximated but the number of samples.

Moving a layer means finding, for every pixel p', the point p = p' + s u whose own radius is s:

flat     s is the layer's one radius, and the move a shift
slanted  inverse depth, and so c(p) = a + b.p, is linear in image coordinates (true of every plane
         in perspective); then s = c(p') / (1 - b.u), an affine map, exact
curved   c(p) is a smooth field; s = c(p' + s u) is iterated to its fixed point, which is unique
         where the field's slope is below 1 (no part of the layer hides another part of itself)

Layers hold two texels a pixel each way. A pixel is the mean over its square of the scene, and the
mean over a square of a piecewise constant picture is, as a function of position, *linear* between
half-texel knots: averaging 2x2 texels once and interpolating the result linearly is therefore that
mean exactly, at any sub-pixel shift. Coverage of different layers inside one pixel is taken as
independent, as in every "over" compositing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.calibration.moved_layer import FlatMover, Mover, WarpMover
from bokehflow.calibration.surface import TEXELS_PER_PX, Plane, Surface
from bokehflow.errors import SizeError
from bokehflow.optics import Lens


@dataclass(frozen=True, slots=True)
class Layer:
    """One sheet of the scene.

    rgba: float32 [4, 2 * (H + 2 m), 2 * (W + 2 m)], linear light premultiplied by coverage; light
    may exceed 1 (a lamp). The sheet goes `margin_px` = m pixels beyond the frame on every side,
    because a blurred frame shows light from outside it.
    surface: the layer's inverse depth, a Plane or a Field of the same height and width.
    """

    rgba: Tensor
    surface: Surface
    margin_px: int

    def __post_init__(self) -> None:
        if self.rgba.ndim != 3 or self.rgba.shape[0] != 4:
            raise SizeError(f"a layer of shape {tuple(self.rgba.shape)}", "[4, height, width]")

    @property
    def frame_size(self) -> tuple[int, int]:
        """Height and width of the frame in pixels."""
        height, width = self.rgba.shape[1:]
        border = 2 * self.margin_px
        return height // TEXELS_PER_PX - border, width // TEXELS_PER_PX - border

    @property
    def is_empty(self) -> bool:
        """Whether nothing was drawn on the layer."""
        return not bool((self.rgba[3] > 0).any())

    def inverse_depth(self) -> Tensor:
        """Inverse depth (1/m) at every texel, float32 [height, width]."""
        return self.surface.on_canvas(*self.rgba.shape[1:])

    def largest_radius_px(self, lens: Lens) -> float:
        """The largest blur radius, in pixels, of anything drawn on the layer."""
        drawn = self.inverse_depth()[self.rgba[3] > 0]
        radius = lens.signed_radius_px(drawn, self.frame_size[1])
        return float(radius.abs().max()) if radius.numel() else 0.0


def trace(layers: Sequence[Layer], lens: Lens, samples: Tensor) -> Tensor:
    """The picture through the lens, linear light float32 [3, H, W].

    layers: back to front; the first must cover the frame and its margin.
    samples: [N, 2] points of the aperture in units of its radius (`aperture.lens_samples`);
    a single (0, 0) gives the sharp frame. Raises SizeError for layers of different sizes, for a
    blur that reaches beyond a layer's margin, and for a field too steep to be seen whole.
    """
    height, width = _common_size(layers)
    movers = [_mover(layer, lens, samples) for layer in layers if not layer.is_empty]
    total = torch.zeros(3, height, width)
    picture = torch.zeros(3, height, width)
    for u_x, u_y in samples.tolist():
        picture.zero_()
        for mover in movers:
            mover.composite(picture, u_x, u_y)
        total += picture
    return total / len(samples)


def visible_depth_m(layers: Sequence[Layer]) -> Tensor:
    """Depth in metres of what each pixel of the sharp frame mostly shows, float32 [1, H, W].

    A depth map holds one value a pixel: that of the layer at which the coverage, counted from the
    front, passes one half. A hair narrower than half a pixel is therefore not in it.
    """
    height, width = _common_size(layers)
    inverse_depth = torch.zeros(height, width)
    clear = torch.ones(height, width)
    for layer in reversed(layers):
        coverage = _at_pixels(layer.rgba[3:], layer.margin_px)[0]
        left = clear * (1.0 - coverage)
        passes_half = (clear > 0.5) & (left <= 0.5)
        own = _at_pixels(layer.inverse_depth()[None], layer.margin_px)[0]
        inverse_depth = torch.where(passes_half, own, inverse_depth)
        clear = left
    return (1.0 / inverse_depth).unsqueeze(0)


def largest_radius_px(layers: Sequence[Layer], lens: Lens) -> float:
    """The largest blur radius, in pixels, of any point of any layer."""
    return max(layer.largest_radius_px(lens) for layer in layers)


def _common_size(layers: Sequence[Layer]) -> tuple[int, int]:
    sizes = {layer.frame_size for layer in layers}
    if len(sizes) != 1:
        raise SizeError(f"layers for frames of {sorted(sizes)} (height, width)", "one size")
    return sizes.pop()


def _at_pixels(rgba: Tensor, margin_px: int) -> Tensor:
    """The means over the frame's pixels of a layer's texels, [C, H, W]."""
    border = TEXELS_PER_PX * margin_px
    height, width = rgba.shape[1:]
    inner = rgba[:, border : height - border, border : width - border]
    return torch.nn.functional.avg_pool2d(inner, TEXELS_PER_PX)


def _mover(layer: Layer, lens: Lens, samples: Tensor) -> Mover:
    radius = layer.surface.radius_px(lens, layer.frame_size[1])
    reach = float(samples.norm(dim=1).max()) * layer.largest_radius_px(lens)
    if _touches_rim(layer.rgba[3]) and math.ceil(reach) + 1 > layer.margin_px:
        raise SizeError(
            f"a layer cut {layer.margin_px} px beyond the frame that blurs by {reach:.1f} px",
            f"a margin of at least {math.ceil(reach) + 1} px",
        )
    if isinstance(radius, Plane) and radius.is_flat:
        return FlatMover(layer.rgba, radius.at_centre, layer.margin_px, layer.frame_size)
    return WarpMover(layer.rgba, radius, layer.margin_px, layer.frame_size, reach)


def _touches_rim(coverage: Tensor) -> bool:
    rims = (coverage[0], coverage[-1], coverage[:, 0], coverage[:, -1])
    return any(bool((rim > 0).any()) for rim in rims)
