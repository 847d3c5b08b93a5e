"""One torch module an operation family, each output one operation or a few."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Elementwise(nn.Module):
    """Unary, binary, comparison and selection."""

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        positive = x.abs() + 0.1
        return (
            x + y, x - y, x * y, x / positive, positive**2.4, torch.maximum(x, y),
            torch.minimum(x, y), x.sign(), positive.sqrt(), positive.rsqrt(), positive.log(),
            x.exp(), x.clamp(-0.5, 0.7), 1.0 / positive, x.square(), x.sin(), x.cos(),
            torch.where(x > y, x, y), torch.where(x <= 0.1, x, 2.0 * y), (x >= y).float() * y,
            torch.erf(x),
        )  # fmt: skip


class LinearAlgebra(nn.Module):
    """Matrix products of every rank that the scan uses."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(7, 5)
        self.register_buffer("upper", torch.ones(7, 7).triu())
        self.upper: Tensor

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return (
            self.linear(x), x @ y, x @ x.transpose(-1, -2), x.transpose(-1, -2) @ x,
            torch.einsum("bij,bjk->bik", x, y), x @ self.upper, (x @ y).tril(), (x @ y).triu(1),
            torch.baddbmm(x @ y, x, y),
        )  # fmt: skip


class Shapes(nn.Module):
    """Moving values about."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        first, second = torch.split(x, [1, 3], dim=1)
        return (
            x.reshape(2, 8, 6), x.permute(0, 2, 3, 1), torch.cat([second, first], 1),
            torch.stack([x, 2.0 * x], 2), x.repeat(1, 2, 1, 3), x.flip(2), x[:, 1:3, ::2, 3],
            F.pad(x, (1, 2, 0, 3)), F.pad(x, (1, 2, 2, 1), mode="replicate"),
            F.pad(x, (1, 2, 2, 1), mode="reflect"), F.pixel_shuffle(x, 2),
            F.pixel_unshuffle(x, 2), x.unsqueeze(1) * 2.0, x[:, :1].squeeze(1), x[..., -3:],
            torch.stack([x, x + 1.0], 2).reshape(1, 8, 4, 6), torch.roll(x, 2, 3),
            torch.ones_like(x) + x, x[:, :, [0, 2, 3]], x.expand(2, 4, 4, 6),
        )  # fmt: skip


class Convolutions(nn.Module):
    """Dense, depthwise, strided, dilated, padded, transposed, pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Conv2d(4, 6, 3, padding=1)
        self.depthwise = nn.Conv2d(4, 4, (5, 3), padding=(2, 1), groups=4, bias=False)
        self.strided = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.dilated = nn.Conv2d(4, 6, 3, dilation=2, padding=2)
        self.transposed = nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)
        self.uneven = nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1)
        self.line = nn.Conv1d(4, 6, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (
            self.dense(x), self.depthwise(x), self.strided(x), self.dilated(x),
            self.transposed(x), self.uneven(x), self.line(x[:, :, 0]), F.avg_pool2d(x, 2),
            F.avg_pool2d(x, 3, stride=1, padding=1),
            F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False),
            F.max_pool2d(x, 3, stride=1, padding=1), F.max_pool2d(x, 2, stride=2),
        )  # fmt: skip


class Resizing(nn.Module):
    """Both interpolations, by whole and broken factors."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (
            F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False),
            F.interpolate(x, size=(13, 17), mode="bilinear", align_corners=False),
            F.interpolate(x, size=(13, 17), mode="bilinear", align_corners=True),
            F.interpolate(x, scale_factor=2.0, mode="nearest"),
            F.interpolate(x, size=(16, 30), mode="nearest"),
        )


class Reductions(nn.Module):
    """Sums and extremes, with and without the axis kept, and running sums."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (
            x.sum((2, 3)), x.mean(1, keepdim=True), x.amax(1, keepdim=True), x.amin((2, 3)),
            x.norm(dim=1), x.cumsum(2), x.flip(3).cumsum(3).flip(3),
            torch.logsumexp(x, 1), x.mean(),
        )  # fmt: skip


class Activations(nn.Module):
    """Activations, with their approximations."""

    def __init__(self) -> None:
        super().__init__()
        self.prelu = nn.PReLU(4)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (
            x.relu(), x.sigmoid(), x.tanh(), F.silu(x), F.gelu(x),
            F.softplus(x), -F.softplus(-x), F.softmax(x, 1), F.leaky_relu(x, 0.1), F.elu(x),
            F.relu6(4.0 * x), F.hardsigmoid(x), self.prelu(x), F.softsign(x), F.hardtanh(x),
        )  # fmt: skip


class Normalisations(nn.Module):
    """Layer, batch, instance and group norm, and unit vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LayerNorm(6)
        self.batch = nn.BatchNorm2d(4)
        self.instance = nn.InstanceNorm2d(4, affine=True)
        self.group = nn.GroupNorm(2, 4)
        nn.init.uniform_(self.layer.weight)
        self.batch.register_buffer("running_var", torch.rand(4) + 0.5)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        unit = x * torch.rsqrt((x * x).sum(1, keepdim=True) + 1e-6)
        return (
            self.layer(x), self.batch(x), self.instance(x), self.group(x), unit,
            F.normalize(x, dim=1),
        )  # fmt: skip


def picture() -> Tensor:
    """[1, 4, 4, 6] of both signs, no two values alike."""
    return torch.linspace(-1.9, 2.1, 96)[torch.randperm(96)].reshape(1, 4, 4, 6)


def families() -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
    """Every family with inputs of its own, from one seed."""
    torch.manual_seed(0)
    x = picture()
    return {
        "elementwise": (Elementwise(), (x, picture())),
        "linear algebra": (LinearAlgebra(), (torch.randn(2, 5, 7), torch.randn(2, 7, 5))),
        "shapes": (Shapes(), (x,)),
        "convolutions": (Convolutions(), (torch.randn(1, 4, 9, 11),)),
        "resizing": (Resizing(), (torch.randn(1, 3, 8, 10),)),
        "reductions": (Reductions(), (x,)),
        "activations": (Activations(), (2.0 * x,)),
        "normalisations": (Normalisations(), (x,)),
    }
