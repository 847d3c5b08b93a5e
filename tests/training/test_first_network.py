"""What a run starts from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from bokehflow.errors import UnknownNameError, UsageError, WeightsError
from bokehflow.scan import ScanConfig
from bokehflow.specs import find_variant
from bokehflow.training.first_network import first_network
from bokehflow.weights import save_weights
from bokehflow.weights.initial import initial_network
from tests.training.samples import stage, tiny_config

CONFIG = tiny_config(stage("depth", 2))
SCAN = ScanConfig("chunked")

pytestmark = pytest.mark.usefixtures("tiny_variant")


def weights_file(path: Path, fov_deg: float = 60.0) -> Path:
    """Weights that no seed gives."""
    network = initial_network(find_variant("nano"))
    tensors = {name: x + 0.25 for name, x in network.state_dict().items()}
    save_weights(path, tensors, "nano", trained=True, fov_deg=fov_deg)
    return path


def test_a_run_starts_from_a_weights_file(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "some.safetensors")
    config = dataclasses.replace(CONFIG, initial_weights=str(path))
    found = first_network(config, SCAN, restored=False).state_dict()
    seeded = first_network(CONFIG, SCAN, restored=False).state_dict()
    assert all(torch.equal(found[name], seeded[name] + 0.25) for name in seeded)


def test_a_run_that_goes_on_needs_the_file_no_more(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, initial_weights=str(tmp_path / "gone.safetensors"))
    first_network(config, SCAN, restored=True)
    with pytest.raises(WeightsError, match="no weights file"):
        first_network(config, SCAN, restored=False)


def test_another_field_of_view_is_refused(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "wide.safetensors", fov_deg=90.0)
    config = dataclasses.replace(CONFIG, initial_weights=str(path))
    with pytest.raises(WeightsError, match="metric at 90 degrees"):
        first_network(config, SCAN, restored=False)


def test_only_the_parts_that_are_named_learn() -> None:
    config = dataclasses.replace(CONFIG, learns=("refine", "bokeh_head", "fusions.0"))
    network = first_network(config, SCAN, restored=False)
    learning = {name for name, p in network.named_parameters() if p.requires_grad}
    assert learning == {
        name
        for name, _ in network.named_parameters()
        if name.startswith(("refine.", "bokeh_head.", "fusions.0."))
    }
    everything = first_network(CONFIG, SCAN, restored=False)
    assert all(p.requires_grad for p in everything.parameters())


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="depth_head"):
        first_network(dataclasses.replace(CONFIG, learns=("head",)), SCAN, restored=False)


def test_shipped_weights_that_do_not_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bokehflow.training.first_network.shipped_weights", lambda _: None)
    config = dataclasses.replace(CONFIG, initial_weights="shipped")
    with pytest.raises(WeightsError, match="ship yet"):
        first_network(config, SCAN, restored=False)


def test_an_ablated_network_has_no_weights_to_start_from() -> None:
    with pytest.raises(UsageError, match="ablation"):
        dataclasses.replace(CONFIG, initial_weights="shipped", ablation="no-film")
