"""Each ablation takes away its own idea and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import UnknownNameError, WeightsError
from bokehflow.layers.bigdr import ScanMixer
from bokehflow.layers.temporal import first_state
from bokehflow.network import Network, NetworkOutput
from bokehflow.training import TrainOptions, train
from bokehflow.training.ablate import (
    ABLATIONS,
    NO_DAHG,
    NO_FILM,
    NO_FUSION,
    NONE,
    ONE_DIRECTION,
    ablate,
)
from bokehflow.weights.initial import initial_network
from tests.tolerances import GATE_FLOOR
from tests.training.samples import TINY, stage, tiny_config, use_tiny_variant, write_clips

FRAME = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
LENS = torch.tensor([[50.0, 2.0, 1.0, 36.0]])


def network(ablation: str) -> Network:
    return ablate(initial_network(TINY).eval(), ablation)


def look(judged: Network) -> NetworkOutput:
    with torch.inference_mode():
        seen: NetworkOutput = judged(FRAME, LENS, first_state(TINY))
    return seen


def disturb(tensor: Tensor) -> None:
    with torch.no_grad():
        tensor.add_(torch.rand(tensor.shape, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("name", ABLATIONS)
def test_what_is_left_starts_from_the_same_weights(name: str) -> None:
    whole, rest = network(NONE).state_dict(), network(name).state_dict()
    assert set(rest) <= set(whole)
    assert (set(rest) == set(whole)) == (name == NONE)
    assert all(torch.equal(rest[key], whole[key]) for key in rest)
    assert torch.isfinite(look(network(name)).inverse_depth).all()


@pytest.mark.parametrize(("name", "same"), [(NONE, False), (NO_FUSION, True)])
def test_without_fusion_depth_does_not_hear_of_bokeh(name: str, same: bool) -> None:
    judged = network(name)
    before = look(judged).inverse_depth
    disturb(judged.get_parameter("bokeh_blocks.0.scan.out.weight"))
    assert torch.equal(look(judged).inverse_depth, before) == same


@pytest.mark.parametrize(("name", "same"), [(NONE, False), (NO_FILM, True)])
def test_without_film_the_aperture_is_not_told(name: str, same: bool) -> None:
    judged = network(name)
    before = look(judged).hint
    disturb(judged.get_parameter("aperture.second.bias"))
    assert torch.equal(look(judged).hint, before) == same


@pytest.mark.parametrize(("name", "floors"), [(NONE, [0.5, 0.33]), (NO_DAHG, [1.0, 1.0])])
def test_without_dahg_every_layer_may_forget_everything(name: str, floors: list[float]) -> None:
    judged = network(name)
    with torch.inference_mode():
        rooms = [float(judged.depth_floors(layer, torch.zeros(1, 1))) for layer in range(2)]
    assert rooms == pytest.approx(floors, abs=GATE_FLOOR)


@pytest.mark.parametrize(("name", "same"), [(NONE, False), (ONE_DIRECTION, True)])
def test_with_one_direction_the_end_is_not_seen_from_the_start(name: str, same: bool) -> None:
    mixer = network(name).get_submodule("depth_blocks.0.scan")
    assert isinstance(mixer, ScanMixer)
    tokens = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(2))
    other = tokens.clone()
    other[:, -1] += 1.0
    state = torch.zeros(1, 4, TINY.heads, TINY.head_size, TINY.head_size)
    with torch.inference_mode():
        one, two = (mixer(x, torch.ones(1, 1), state, 4, 4)[0] for x in (tokens, other))
    assert torch.equal(one[:, 0], two[:, 0]) == same
    assert not torch.equal(one[:, -1], two[:, -1])


def test_a_name_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'no-film'"):
        tiny_config(ablation="no-films")


def test_an_ablated_run_trains_and_does_not_become_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_variant(monkeypatch)
    clips = find_clips(write_clips(tmp_path / "data"), TRAIN)
    options = TrainOptions(tmp_path / "run", "chunked", resume=True, new_config=True)
    report = train(tiny_config(stage(steps=2), ablation=NO_FILM), clips, options)
    assert report.step == 2
    with pytest.raises(WeightsError, match="ablation 'no-film'"):
        train(tiny_config(stage(steps=4)), clips, options)
