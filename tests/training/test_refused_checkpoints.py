"""Checkpoints that cannot be gone on from: of something else, or damaged."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from bokehflow.calibration.data.folder import FoundClips
from bokehflow.errors import InputError, UsageError, WeightsError
from bokehflow.training.ablate import NO_FILM
from bokehflow.training.checkpoint import NAME, read_checkpoint
from bokehflow.training.snapshot import export_weights
from tests.training.samples import use_tiny_variant
from tests.training.tiny_run import CONFIG, train_to

pytestmark = pytest.mark.usefixtures("tiny_variant")


def test_the_state_of_another_optimiser_is_refused(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 1)
    muon = dataclasses.replace(CONFIG.optimiser, method="muon")
    changed = dataclasses.replace(CONFIG, optimiser=muon)
    with pytest.raises(WeightsError, match="adamw and muon"):
        train_to(clips, tmp_path, config=changed, resume=True, new_config=True)


def test_moments_of_other_parts_are_not_gone_on_with(clips: FoundClips, tmp_path: Path) -> None:
    one, other = (dataclasses.replace(CONFIG, learns=(f"depth_blocks.{n}",)) for n in (0, 1))
    depth = {"stages": CONFIG.stages[:1]}
    train_to(clips, tmp_path, 1, config=dataclasses.replace(one, **depth))
    changed = dataclasses.replace(other, **depth)
    with pytest.raises(UsageError, match="lets other parts learn"):
        train_to(clips, tmp_path, config=changed, resume=True, new_config=True)


def test_weights_of_an_ablated_network_are_not_exported(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 1, config=dataclasses.replace(CONFIG, ablation=NO_FILM))
    with pytest.raises(WeightsError, match="ablation"):
        export_weights(tmp_path, tmp_path / "nano.safetensors")
    assert not (tmp_path / "nano.safetensors").exists()


def test_a_checkpoint_of_another_variant_is_refused(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 1)
    document = torch.load(tmp_path / NAME, weights_only=True)
    document["config"] = document["config"].replace('"nano"', '"small"')
    torch.save(document, tmp_path / NAME)
    with pytest.raises(WeightsError, match="'small'; expected one of 'nano'"):
        train_to(clips, tmp_path, resume=True, new_config=True)


def test_a_damaged_checkpoint_is_refused(clips: FoundClips, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        train_to(clips, tmp_path, resume=True)


WRONG_TYPES = {
    "network": None,
    "averaged": {"stem": "x"},
    "optimiser": [],
    "generators": {"cpu": torch.zeros(3), "cuda": []},
    "generators ": {"cpu": torch.zeros(3, dtype=torch.uint8), "cuda": []},
    "step": "1",
    "skipped": -1,
    "config": "[" * 100000,
}


@pytest.fixture(scope="module")
def stopped_run(clips: FoundClips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step. To be read, never written."""
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_variant(patch)
        train_to(clips, folder, 1)
    return folder


def changed_run(stopped_run: Path, folder: Path, key: str, value: object) -> Path:
    """The run with another value in its checkpoint."""
    document = torch.load(stopped_run / NAME, weights_only=True)
    document[key] = value
    torch.save(document, folder / NAME)
    return folder


@pytest.mark.parametrize("key", WRONG_TYPES)
def test_a_checkpoint_of_wrong_types_is_refused(
    stopped_run: Path, tmp_path: Path, key: str
) -> None:
    run = changed_run(stopped_run, tmp_path, key.strip(), WRONG_TYPES[key])
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        export_weights(run, tmp_path / "nano.safetensors")


def test_a_checkpoint_of_a_later_schema_is_told_as_that(stopped_run: Path, tmp_path: Path) -> None:
    run = changed_run(stopped_run, tmp_path, "schema", "bokehflow.checkpoint/99")
    changed_run(run, run, "more", 1)
    with pytest.raises(InputError, match="has schema bokehflow"):
        read_checkpoint(run)


def test_flipped_bytes_of_a_tensor_are_noticed(stopped_run: Path, tmp_path: Path) -> None:
    content = bytearray((stopped_run / NAME).read_bytes())
    middle = len(content) // 2
    for place in range(middle, middle + 2000):
        content[place] ^= 0xFF
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        read_checkpoint(tmp_path)


def test_a_tensor_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / NAME)
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("key", ["network", "averaged"])
@pytest.mark.parametrize("kind", ["none", "one less", "one more", "shape", "dtype"])
def test_weights_that_do_not_fit_are_refused(
    clips: FoundClips, stopped_run: Path, tmp_path: Path, key: str, kind: str
) -> None:
    tensors = dict(getattr(read_checkpoint(stopped_run), key))
    name = next(iter(tensors))
    changes: dict[str, dict[str, torch.Tensor]] = {
        "one more": {"extra": torch.zeros(3)},
        "shape": {name: tensors[name][:1]},
        "dtype": {name: tensors[name].half()},
    }
    tensors |= changes.get(kind, {})
    if kind == "one less":
        del tensors[name]
    run = changed_run(stopped_run, tmp_path, key, {} if kind == "none" else tensors)
    with pytest.raises(WeightsError, match="does not fit the network in"):
        export_weights(run, tmp_path / "nano.safetensors")
    assert not (tmp_path / "nano.safetensors").exists()
    with pytest.raises(WeightsError, match="does not fit the network in"):
        train_to(clips, run, resume=True)


@pytest.mark.parametrize("kind", ["a text", "no groups", "other groups", "moments", "shape"])
def test_an_optimiser_of_other_parameters_is_refused(
    clips: FoundClips, stopped_run: Path, tmp_path: Path, kind: str
) -> None:
    adamw: Any = read_checkpoint(stopped_run).optimiser["adamw"]
    first = next(iter(adamw["state"]))
    adamw = {
        "a text": "x",
        "no groups": {"state": {}},
        "other groups": {**adamw, "param_groups": adamw["param_groups"][:1]},
        "moments": {**adamw, "state": {first: None}},
        "shape": {**adamw, "state": {first: {"exp_avg": torch.zeros(1, 2, 3, 4, 5)}}},
    }[kind]
    run = changed_run(stopped_run, tmp_path, "optimiser", {"adamw": adamw})
    with pytest.raises(WeightsError, match="adamw does not fit"):
        train_to(clips, run, resume=True)
