"""What wrong depth costs, and how much of it edge-aware upsampling wins back.

Two ways in which depth from a network is wrong at edges: smeared by 2 pixels, and computed at a
quarter of the frame's size. Inverse depth is what networks predict, so that is what is damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.benchmarks.quality.kernels import convolve, gaussian_kernel
from bokehflow.benchmarks.quality.metrics import picture_psnr_db
from bokehflow.benchmarks.quality.regions import find_regions
from bokehflow.benchmarks.quality.renderers import Renderer
from bokehflow.calibration.scenes import Scene
from bokehflow.rendering import EdgeAwareUpsample

SMEAR_SIGMA_PX = 2.0
REDUCTION = 4


@dataclass(frozen=True, slots=True)
class DepthLoss:
    """Mean PSNR in dB over scenes for exact, damaged, and edge-aware depth, in one region."""

    exact_db: float
    damaged_db: float
    edge_aware_db: float

    @property
    def won_back(self) -> float | None:
        """Share of the loss that the edge-aware upsampling wins back; None without a loss."""
        loss = self.exact_db - self.damaged_db
        return (self.edge_aware_db - self.damaged_db) / loss if loss > 0 else None


@dataclass(frozen=True, slots=True)
class DepthStudy:
    """One damage: its loss overall and in the edge band."""

    damage: str
    overall: DepthLoss
    edge: DepthLoss


def smeared(inverse_depth: Tensor) -> Tensor:
    """Inverse depth [1, 1, H, W] blurred by a Gaussian of 2 px."""
    return convolve(inverse_depth, gaussian_kernel(SMEAR_SIGMA_PX))


def quartered(inverse_depth: Tensor) -> Tensor:
    """Inverse depth [1, 1, H, W] averaged to [1, 1, H / 4, W / 4], rounded up."""
    height, width = inverse_depth.shape[-2:]
    size = (-(-height // REDUCTION), -(-width // REDUCTION))
    return F.interpolate(inverse_depth, size, mode="area")


DAMAGES: dict[str, Callable[[Tensor], Tensor]] = {
    "smeared by 2 px": smeared,
    "quarter resolution": quartered,
}


def study_imperfect_depth(renderer: Renderer, scenes: Sequence[Scene]) -> list[DepthStudy]:
    """Every damage for one renderer.

    Where a scene has no depth edge, its edge band is taken to be the whole frame.
    """
    figures = [_figures(renderer, scene) for scene in scenes]
    # [1 + 2 * damages, 2]: exact, then each damage without and with the edge-aware upsampling.
    means = torch.tensor(figures, dtype=torch.float64).mean(dim=0).tolist()
    return [
        DepthStudy(damage, *_losses(means[0], means[1 + 2 * i], means[2 + 2 * i]))
        for i, damage in enumerate(DAMAGES)
    ]


def _losses(
    exact: list[float], damaged: list[float], edge_aware: list[float]
) -> tuple[DepthLoss, DepthLoss]:
    """Loss overall and in the edge band from three pairs of figures."""
    overall, edge = (DepthLoss(exact[i], damaged[i], edge_aware[i]) for i in (0, 1))
    return overall, edge


def _figures(renderer: Renderer, scene: Scene) -> list[list[float]]:
    """PSNR in dB, overall and in the edge band, for exact depth and both forms of each damage."""
    size = (scene.frame.shape[-2], scene.frame.shape[-1])
    inverse_depths = [1.0 / scene.depth_m]
    for spoil in DAMAGES.values():
        spoiled = spoil(1.0 / scene.depth_m)
        small = (spoiled.shape[-2], spoiled.shape[-1])
        inverse_depths.append(F.interpolate(spoiled, size, mode="bilinear", align_corners=False))
        inverse_depths.append(EdgeAwareUpsample(small, size)(spoiled, scene.frame))
    edge = find_regions(scene.radius_px).edge
    mask = edge if edge.any() else None
    figures = []
    for inverse_depth in inverse_depths:
        picture = renderer(scene.frame, 1.0 / inverse_depth, scene.lens, scene.aperture)
        figures.append(
            [picture_psnr_db(scene.truth, picture), picture_psnr_db(scene.truth, picture, mask)]
        )
    return figures
