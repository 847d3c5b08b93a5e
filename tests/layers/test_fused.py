"""The network's layers as fused kernels against PyTorch's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from bokehflow.kernels import linear, mix_directions, projected_scan_2d
from bokehflow.layers.bigdr import DirectionFusion, ScanMixer
from bokehflow.layers.fused import fuse_layers
from bokehflow.layers.temporal import State, first_state
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from tests.tolerances import FUSED_NETWORK, NORM_FP32
from tests.training.samples import TINY

pytest.importorskip("triton")
KINDS = {nn.Linear: nn.Linear.forward, nn.LayerNorm: nn.LayerNorm.forward}
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _outcome(network: Network, frame: Tensor, lens: Tensor, state: State) -> list[Tensor]:
    """What the network sees and carries, and the gradients of all of its parameters."""
    seen = network(frame, lens, state)
    outputs = [seen.inverse_depth, seen.hint, seen.coarse_inverse_depth, seen.next_state.scan]
    random = torch.Generator().manual_seed(8)
    parts = [(x * torch.randn(x.shape, generator=random).to(x)).sum() for x in outputs]
    learning = [p for name, p in network.named_parameters() if not name.startswith("refine")]
    return [*outputs, *torch.autograd.grad(torch.stack(parts).sum(), learning)]


def test_every_layer_that_has_a_kernel_takes_it() -> None:
    modules = list(Network(TINY, ScanConfig("triton")).modules())
    mixers = [module for module in modules if isinstance(module, ScanMixer)]
    fusions = [module for module in modules if isinstance(module, DirectionFusion)]
    assert mixers
    assert all(mixer.linear is linear for mixer in mixers)
    assert all(mixer.scan.func is projected_scan_2d for mixer in mixers)
    assert all(fusion.mix is mix_directions for fusion in fusions)
    plain = [m for m in modules if isinstance(m, nn.Linear | nn.LayerNorm)]
    assert all(type(module).forward is not KINDS[type(module).__base__] for module in plain)


def test_a_copy_of_a_fused_layer_has_weights_of_its_own() -> None:
    layers = nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16)).to(DEVICE)
    fuse_layers(layers)
    x = torch.ones(2, 16, device=DEVICE)
    for layer in layers:
        twin = copy.copy(layer)
        twin._parameters = {n: torch.zeros_like(p) for n, p in layer.named_parameters()}
        assert not twin(x).any()
        wanted = KINDS[type(layer).__base__](layer, x)
        torch.testing.assert_close(layer(x), wanted, rtol=0, atol=NORM_FP32)


def test_a_fused_network_is_the_same_network() -> None:
    torch.manual_seed(7)
    plain = Network(TINY, ScanConfig("chunked")).to(DEVICE)
    fused = Network(TINY, ScanConfig("triton")).to(DEVICE)
    fused.load_state_dict(plain.state_dict())
    frame = torch.rand(2, 3, 12, 16, device=DEVICE)
    lens = torch.tensor([[50.0, 1.8, 1.5, 36.0], [35.0, 4.0, 3.0, 36.0]], device=DEVICE)
    first = first_state(TINY, 2, device=DEVICE)
    state = State(*(x.detach() for x in plain(frame.flip(0), lens, first).next_state))
    wanted, found = (_outcome(network, frame, lens, state) for network in (plain, fused))
    for a, b in zip(wanted, found, strict=True):
        assert (a - b).norm() <= FUSED_NETWORK * a.norm() + 1e-7
