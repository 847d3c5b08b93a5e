"""Weights files: written and read whole, refused when they are not what they claim."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from bokehflow.errors import WeightsError
from bokehflow.network import Network
from bokehflow.specs import VARIANTS
from bokehflow.weights import load_network, read_weights, save_weights, weights_sha256
from bokehflow.weights.file import METADATA_KEY
from bokehflow.weights.initial import INITIAL_SEED, RESIDUAL_SCALE, initial_network

NANO = VARIANTS["nano"]


@pytest.fixture
def weights_file(tmp_path: Path) -> Path:
    path = tmp_path / "nano.safetensors"
    tensors = {name: t.half() for name, t in initial_network(NANO).state_dict().items()}
    save_weights(path, tensors, "nano", trained=True, fov_deg=55.0)
    return path


def test_what_is_saved_is_what_is_loaded(weights_file: Path) -> None:
    network, info = load_network(NANO, weights_file)
    assert info.trained
    assert info.canonical_fov_deg == 55.0
    expected = initial_network(NANO).state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, expected[name].half().float()), name


def test_initial_weights_are_the_same_every_time_and_leave_the_seed_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    hashes = {weights_sha256(initial_network(NANO).state_dict()) for _ in range(2)}
    assert len(hashes) == 1
    assert torch.equal(torch.rand(3), expected)


def test_one_changed_byte_is_noticed(weights_file: Path) -> None:
    data = bytearray(weights_file.read_bytes())
    data[-1] ^= 1
    weights_file.write_bytes(bytes(data))
    with pytest.raises(WeightsError, match="damaged"):
        read_weights(weights_file, "nano")


def test_another_variant_is_refused_by_name(weights_file: Path) -> None:
    with pytest.raises(WeightsError, match="choose the variant nano"):
        read_weights(weights_file, "small")


def test_remedies_name_no_option_of_one_command(weights_file: Path) -> None:
    for path, variant in ((weights_file, "small"), (weights_file.with_name("other"), "nano")):
        with pytest.raises(WeightsError) as caught:
            read_weights(path, variant)
        assert "--" not in caught.value.remedy


def test_a_truncated_file_is_refused(weights_file: Path) -> None:
    weights_file.write_bytes(weights_file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        read_weights(weights_file, "nano")


def test_a_path_that_is_no_text_is_told_as_that(weights_file: Path) -> None:
    odd = weights_file.with_name(os.fsdecode(b"\xff.safetensors"))
    with pytest.raises(WeightsError, match="rename it"):
        read_weights(weights_file.rename(odd), "nano")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        load_network(NANO, tmp_path / "none.safetensors")


def test_a_file_of_others_is_refused(weights_file: Path) -> None:
    tensors = load_file(weights_file)
    save_file(tensors, weights_file)
    with pytest.raises(WeightsError, match="metadata"):
        read_weights(weights_file, "nano")


@pytest.mark.parametrize("fault", ["missing", "shape", "nan"])
def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, fault: str) -> None:
    tensors = dict(initial_network(NANO).state_dict())
    name = "stem.first.bias"
    if fault == "missing":
        del tensors[name]
    elif fault == "shape":
        tensors[name] = torch.zeros(3)
    else:
        tensors[name] = torch.full_like(tensors[name], torch.nan)
    path = tmp_path / "odd.safetensors"
    save_weights(path, tensors, "nano", trained=True, fov_deg=60.0)
    with pytest.raises(WeightsError, match="finite" if fault == "nan" else "fit"):
        load_network(NANO, path)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("canonical_fov_deg", "60"),
        ("canonical_fov_deg", None),
        ("canonical_fov_deg", 0),
        ("canonical_fov_deg", -60.0),
        ("canonical_fov_deg", float("nan")),
        ("sha256", 5),
        ("variant", ["nano"]),
        ("variant", "pico"),
        ("trained", "no"),
    ],
)
def test_facts_that_make_no_sense_are_refused(weights_file: Path, fact: str, value: object) -> None:
    with safe_open(weights_file, framework="pt") as file:
        facts = json.loads(file.metadata()[METADATA_KEY])
    metadata = {METADATA_KEY: json.dumps(facts | {fact: value})}
    save_file(load_file(weights_file), weights_file, metadata)
    with pytest.raises(WeightsError, match="metadata"):
        read_weights(weights_file, "nano")


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64])
def test_tensors_of_other_numbers_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "odd.safetensors"
    save_weights(path, {"a": torch.zeros(2, dtype=dtype)}, "nano", trained=True, fov_deg=60.0)
    with pytest.raises(WeightsError, match="expected floating point"):
        read_weights(path, "nano")


def test_initial_weights_are_those_that_pytorch_draws_from_the_seed() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(INITIAL_SEED)
        reference = Network(NANO).state_dict()
    reference["refine.third.weight"] *= RESIDUAL_SCALE
    assert weights_sha256(initial_network(NANO).state_dict()) == weights_sha256(reference)


def test_no_generator_of_pytorch_is_touched_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def seeded(*_: object) -> None:
        raise AssertionError("a generator of a device was seeded")

    def observed(*settings: Any) -> Network:
        network = Network(*settings)
        states.append(torch.get_rng_state())
        return network

    states = [torch.get_rng_state()]
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded)
    monkeypatch.setattr("bokehflow.weights.initial.Network", observed)
    initial_network(NANO)
    before, within = states
    assert torch.equal(before, within)


def test_networks_that_threads_make_at_once_are_alike() -> None:
    with ThreadPoolExecutor(4) as pool:
        networks = pool.map(lambda _: initial_network(NANO), range(8))
        hashes = {weights_sha256(network.state_dict()) for network in networks}
    assert len(hashes) == 1
