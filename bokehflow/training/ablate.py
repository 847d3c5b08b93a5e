"""Taking one idea of the architecture away, to see what it is worth.

The part is replaced by a neutral module of the same interface, so everything else, and the order in
which initial weights are drawn, stays as it is. An ablated network has fewer parameters: its
weights fit only a network that was ablated alike, and they do not ship.
"""

from __future__ import annotations

from torch import Tensor, nn

from bokehflow.errors import UnknownNameError
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.network import Network

NONE = "none"
NO_DAHG = "no-dahg"
NO_FILM = "no-film"
NO_FUSION = "no-cross-fusion"
ONE_DIRECTION = "one-direction"
ABLATIONS = (NONE, NO_DAHG, NO_FILM, NO_FUSION, ONE_DIRECTION)


class NoFloors(nn.Module):
    """Instead of `GateFloors`: every layer may forget all it wants, whatever its depth."""

    def forward(self, layer: int, coc_mean: Tensor) -> Tensor:  # noqa: ARG002
        """coc_mean: [B, 1]. Returns the whole room above a floor of 0, ones [B, 1]."""
        return coc_mean.new_ones(coc_mean.shape)


class NoFilm(nn.Module):
    """Instead of `FilmModulation`: the tokens as they are."""

    def forward(self, x: Tensor, aperture: Tensor) -> Tensor:  # noqa: ARG002
        """x: [B, T, C]; aperture: [B, C]. Returns x."""
        return x


class NoFusion(nn.Module):
    """Instead of `CrossStreamFusion`: the streams do not hear of each other."""

    def forward(self, depth: Tensor, bokeh: Tensor) -> tuple[Tensor, Tensor]:
        """depth, bokeh: [B, T, C]. Returns both."""
        return depth, bokeh


class FirstDirection(nn.Module):
    """Instead of `DirectionFusion`: the raster scan alone; the other three are not listened to."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, outputs: Tensor) -> Tensor:
        """outputs: [B, T, 4, C]. Returns [B, T, C]."""
        first: Tensor = self.norm(outputs[:, :, 0])
        return first


def check_ablation(name: str) -> None:
    """Raise UnknownNameError for an ablation that does not exist."""
    if name not in ABLATIONS:
        raise UnknownNameError("ablation", name, ABLATIONS)


def ablate(network: Network, name: str) -> Network:
    """Take one idea out of a network, in place; "none" leaves it whole. Returns the network.

    Raises UnknownNameError for an ablation that does not exist.
    """
    check_ablation(name)
    blocks: list[BiGDRBlock] = [*network.depth_blocks, *network.bokeh_blocks]
    if name == NO_DAHG:
        network.depth_floors = network.bokeh_floors = NoFloors()  # type: ignore[assignment]
    elif name == NO_FILM:
        network.film = nn.ModuleList(NoFilm() for _ in network.film)
    elif name == NO_FUSION:
        network.fusions = nn.ModuleList(NoFusion() for _ in network.fusions)
    elif name == ONE_DIRECTION:
        for block in blocks:
            block.scan.fuse = FirstDirection(block.scan.fuse.norm)  # type: ignore[assignment]
    return network
