"""A dense head as it is exported: its last convolution before its last pixel shuffle.

Engines move pixels one by one; there are as many maps to move as that convolution makes, not as
many as it reads.
"""

from __future__ import annotations

from itertools import product

import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.lowering.maps import constant
from bokehflow.layers.heads import DenseHead


class LoweredHead(DenseHead):
    """`DenseHead` with the same layers but `out`, which is `before_shuffle` of it."""

    def __init__(self, head: DenseHead) -> None:
        nn.Module.__init__(self)
        for name, layer in head.named_children():
            self.add_module(name, layer)
        self.out = before_shuffle(head.out)

    def to_full_size(self, grid: Tensor) -> Tensor:
        """As `DenseHead.to_full_size`."""
        return F.pixel_shuffle(self.out(F.gelu(self.to_full(grid))), 2)


def before_shuffle(layer: nn.Conv2d) -> nn.Conv2d:
    """For a 3x3 convolution of I to O channels that reads pixel_shuffle(x, 2): one of 4 I to 4 O,
    pixel_shuffle of whose result is the same."""
    outputs, inputs = layer.weight.shape[:2]
    weight = layer.weight.new_zeros(outputs, 2, 2, inputs, 2, 2, 3, 3)
    for row, column, down, right in product(range(2), range(2), range(3), range(3)):
        # The tap is in this cell of 2x2 pixels, counted from the cell above and left, there.
        (cell_y, y), (cell_x, x) = divmod(row + down + 1, 2), divmod(column + right + 1, 2)
        weight[:, row, column, :, y, x, cell_y, cell_x] = layer.weight.detach()[:, :, down, right]
    moved = nn.Conv2d(4 * inputs, 4 * outputs, 3, padding=1, bias=layer.bias is not None)
    moved.weight = constant(weight.reshape(moved.weight.shape))
    if layer.bias is not None:
        moved.bias = constant(layer.bias.repeat_interleave(4))
    return moved
