"""The model card: figures from records, judgement kept, other people's weights refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from bokehflow.benchmarks.checks import at_least, check_facts
from bokehflow.benchmarks.evaluation.bars import check_bars
from bokehflow.benchmarks.evaluation.model_card import BEGIN, END, NOT_JUDGED, main, write_card
from bokehflow.benchmarks.evaluation.recorded import SCHEMA
from bokehflow.benchmarks.evaluation.training_record import Run, Stage, write_runs
from bokehflow.errors import InputError
from bokehflow.weights import save_weights
from tests.benchmarks.evaluation.samples import good_evaluation

HARDWARE = "two cores of a laptop"
DATA = {
    "folder": "rooms",
    "manifest_sha256": "2" * 64,
    "request": {"height": 192, "width": 256, "frames": 1, "seed": 0},
    "counts": {"rooms": {"train": 90, "held-out": 10}, "outdoors": {"train": 45, "held-out": 5}},
    "licences": {"CC0": 7},
}


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """The record of two runs, the second over the weights of the first."""
    runs = [
        Run("first.toml", HARDWARE, (Stage("depth", 200, 0.5, 2.0, 1.25),), [DATA]),
        Run("second.toml", "a phone", (Stage("picture", 70, 0.1, 1.5, 1.4),), [], share=0.7),
    ]
    write_runs(tmp_path / "training.json", runs)
    return tmp_path / "training.json"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    save_weights(
        tmp_path / "nano.safetensors",
        {"one": torch.ones(3)},
        "nano",
        trained=True,
        fov_deg=60.0,
    )
    return tmp_path / "nano.md"


def write_evaluation(folder: Path, sha256: str, **changes: Any) -> Path:
    evaluation = good_evaluation()
    checks = [*check_bars(evaluation), at_least("a bar that is missed", 0.1, 0.2)]
    results = asdict(evaluation)
    weights = results.pop("weights") | {"sha256": sha256}
    document = {
        "schema": SCHEMA,
        "environment": {"processor": "a processor", "torch_threads": 2, "commit": "abc"},
        "settings": {
            "precision": "fp32",
            "scan": "cpu",
            "network_size": "mobile",
            "limit": 24,
            "trend_limit": 8,
        },
        "weights": weights,
        "data": [DATA],
        "results": results,
        "checks": [check_facts(check) for check in checks],
    }
    path = folder / "evaluation.json"
    path.write_text(json.dumps(document | changes))
    return path


def sha256_of(card: Path) -> str:
    from bokehflow.weights import read_weights

    return read_weights(card.with_suffix(".safetensors"), "nano")[1].sha256


def test_a_card_tells_what_the_records_hold(training: Path, card: Path) -> None:
    evaluation = write_evaluation(card.parent, sha256_of(card))
    write_card(card, evaluation, training)
    text = card.read_text()
    for fact in (
        sha256_of(card), f"200 steps in 0.50 hours on {HARDWARE}:", "70 steps in 0.10 hours on a",
        "| first.toml | rooms | 1 of 192x256, seed 0 | 135 | 7 CC0 |", "seed 0 | 15 | 7 CC0 |",
        "the mean with them, in which it counts 0.7:", "--mean-with BEFORE --share 0.7\n",
        "--scan cpu", "--limit 24",
        "| end to end | 30.00 |", "Missed: a bar that is missed, 0.1 where", NOT_JUDGED,
        "bikes.mp4", "What `second.toml` learned from was not recorded.",
    ):  # fmt: skip
        assert fact in text
    assert text.count("Missed:") == 1
    assert "nothing was downloaded" in text
    assert "What `first.toml`" not in text
    assert "no real photo had a depth" in text


def test_imported_sets_are_told(card: Path) -> None:
    imported = DATA | {"folder": "realbokeh", "manifest_sha256": None, "request": None}
    run = Run("first.toml", HARDWARE, (Stage("depth", 200, 0.5, 2.0, 1.25),), [DATA, imported])
    write_runs(card.with_name("training.json"), [run])
    evaluation = write_evaluation(card.parent, sha256_of(card))
    write_card(card, evaluation, card.with_name("training.json"))
    text = card.read_text()
    assert "--mean-with" not in text
    assert "| first.toml | realbokeh | imported | 135 |" in text
    assert "nothing was downloaded" not in text
    assert "no real photo had a depth" not in text


def test_what_a_person_wrote_is_kept(training: Path, card: Path) -> None:
    evaluation = write_evaluation(card.parent, sha256_of(card))
    card.write_text(f"an older card\n{BEGIN}\nThe cat is nearer than the wall.\n{END}\nold\n")
    write_card(card, evaluation, training)
    text = card.read_text()
    assert "The cat is nearer than the wall." in text
    assert "an older card" not in text
    assert NOT_JUDGED not in text


def test_a_record_of_other_weights_is_refused(training: Path, card: Path) -> None:
    with pytest.raises(InputError, match="about weights 333333333333"):
        write_card(card, write_evaluation(card.parent, "3" * 64), training)
    assert not card.exists()


def test_mistakes_are_plain(card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = write_evaluation(card.parent, sha256_of(card), schema="bokehflow.evaluation/0")
    options = ["--card", str(card), "--training", str(card.with_name("none.json"))]
    assert main([*options, "--evaluation", str(evaluation)]) == 2
    assert "bokehflow.evaluation/0" in capsys.readouterr().err
    evaluation = write_evaluation(card.parent, sha256_of(card))
    assert main([*options, "--evaluation", str(evaluation)]) == 2
    assert "none.json cannot be read" in capsys.readouterr().err
