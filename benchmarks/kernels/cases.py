"""The layers that are measured, and their inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.kernels.checks import DIRECTION_COUNT
from bokehflow.specs import TOKEN_STRIDE, find_variant


@dataclass(frozen=True, slots=True)
class LayerCase:
    """The scan of one layer: a variant's heads over frames of height x width pixels."""

    name: str
    variant: str
    batch: int
    height: int
    width: int
    dtype: torch.dtype = torch.bfloat16

    @property
    def map_size(self) -> tuple[int, int]:
        """Rows and columns of tokens."""
        return self.height // TOKEN_STRIDE, self.width // TOKEN_STRIDE

    @property
    def tokens(self) -> int:
        """Tokens of one frame."""
        rows, columns = self.map_size
        return rows * columns

    @property
    def heads(self) -> int:
        """Heads of one direction."""
        return find_variant(self.variant).heads

    @property
    def head_size(self) -> int:
        """Channels of one head."""
        return find_variant(self.variant).head_size

    @property
    def token_heads(self) -> int:
        """Steps of the recurrence that the layer takes in all."""
        return self.batch * self.tokens * DIRECTION_COUNT * self.heads


TRAINING = "training"
FRAME_720P = "720p"

LAYER_CASES = tuple(
    LayerCase(f"{variant}_{name}", variant, batch, height, width)
    for variant in ("nano", "small")
    for name, batch, height, width in (
        (TRAINING, 16, 256, 256),
        (FRAME_720P, 1, 720, 1280),
        ("1080p", 1, 1080, 1920),
    )
)

CPU_TRAINING_CASE = LayerCase("nano_cpu_training", "nano", 8, 128, 128, torch.float32)


def make_inputs(case: LayerCase, device: torch.device | str, seed: int = 0) -> list[Tensor]:
    """q, k, v, log_decay and beta of one layer, leaves that ask for gradients. Keys of unit
    length, decays 0.9 to 1, as a model makes them."""
    random = torch.Generator().manual_seed(seed)
    gates = (case.batch, case.tokens, DIRECTION_COUNT, case.heads)
    q, k, v = torch.randn(3, *gates, case.head_size, generator=random)
    log_decay = (1 - 0.1 * torch.rand(gates, generator=random)).log()
    beta = torch.rand(gates, generator=random)
    tensors = (q, F.normalize(k, dim=-1), v, log_decay, beta)
    return [x.to(device=device, dtype=case.dtype).requires_grad_() for x in tensors]
