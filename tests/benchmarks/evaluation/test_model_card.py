"""The model card: figures from records, judgement kept, other people's weights refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from bokehflow.benchmarks.checks import Check
from bokehflow.benchmarks.evaluation.bars import check_bars
from bokehflow.benchmarks.evaluation.model_card import (
    BEGIN,
    END,
    NOT_JUDGED,
    main,
    read_training,
    write_card,
)
from bokehflow.benchmarks.evaluation.report import SCHEMA
from bokehflow.errors import InputError
from bokehflow.training.curves import Curves
from bokehflow.weights import save_weights
from tests import tolerances as tol
from tests.benchmarks.evaluation.samples import good_evaluation

HARDWARE = "two cores of a laptop"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The curves of 200 steps in two stages: 0.5 s and 1 s a step."""
    curves = Curves(tmp_path / "curves.csv", 0)
    losses = ("",) * 8
    for step, stage, loss, seconds in (
        (50, "depth", 2.0, 0.5),
        (100, "depth", 1.25, 0.5),
        (200, "picture", 1.5, 1.0),
    ):
        curves.add((step, stage, 1e-4, loss, *losses, 1.0, 0, seconds))
    return tmp_path


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
    checks = [*check_bars(evaluation), Check("a bar that is missed", 0.1, 0.2, at_least=True)]
    results = asdict(evaluation)
    weights = results.pop("weights") | {"sha256": sha256}
    counts = {"rooms": {"train": 90, "held-out": 10}, "outdoors": {"train": 45, "held-out": 5}}
    data = {
        "folder": "rooms",
        "manifest_sha256": "2" * 64,
        "request": {"height": 192, "width": 256, "frames": 1, "seed": 0},
        "counts": counts,
        "licences": {"CC0": 7},
    }
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
        "data": [data],
        "results": results,
        "checks": [check.document() for check in checks],
    }
    path = folder / "evaluation.json"
    path.write_text(json.dumps(document | changes))
    return path


def sha256_of(card: Path) -> str:
    from bokehflow.weights import read_weights

    return read_weights(card.with_suffix(".safetensors"), "nano")[1].sha256


def test_curves_become_steps_and_hours(run: Path) -> None:
    training = read_training(run)
    assert training.steps == 200
    assert training.hours == pytest.approx(150.0 / 3600.0, abs=tol.DEPTH_FORMULA)
    depth, picture = training.stages
    assert (depth.steps, depth.first_loss, depth.last_loss) == (100, 2.0, 1.25)
    assert (picture.name, picture.steps) == ("picture", 100)


def test_a_card_tells_what_the_records_hold(run: Path, card: Path) -> None:
    evaluation = write_evaluation(run, sha256_of(card))
    write_card(card, evaluation, run, HARDWARE)
    text = card.read_text()
    for fact in (
        sha256_of(card), HARDWARE, "| 135 | 15 | 7 CC0 |", "200 steps", "--scan cpu", "--limit 24",
        "| end to end | 30.00 |", "Missed: a bar that is missed, 0.100", NOT_JUDGED, "bikes.mp4",
    ):  # fmt: skip
        assert fact in text
    assert text.count("Missed:") == 1


def test_what_a_person_wrote_is_kept(run: Path, card: Path) -> None:
    evaluation = write_evaluation(run, sha256_of(card))
    card.write_text(f"an older card\n{BEGIN}\nThe cat is nearer than the wall.\n{END}\nold\n")
    write_card(card, evaluation, run, HARDWARE)
    text = card.read_text()
    assert "The cat is nearer than the wall." in text
    assert "an older card" not in text
    assert NOT_JUDGED not in text


def test_a_record_of_other_weights_is_refused(run: Path, card: Path) -> None:
    with pytest.raises(InputError, match="about weights 333333333333"):
        write_card(card, write_evaluation(run, "3" * 64), run, HARDWARE)
    assert not card.exists()


def test_mistakes_are_plain(
    run: Path, card: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    evaluation = write_evaluation(run, sha256_of(card), schema="bokehflow.evaluation/0")
    options = ["--hardware", HARDWARE, "--card", str(card), "--run", str(tmp_path / "nowhere")]
    assert main([*options, "--evaluation", str(evaluation)]) == 2
    assert "bokehflow.evaluation/0" in capsys.readouterr().err
    evaluation = write_evaluation(run, sha256_of(card))
    assert main([*options, "--evaluation", str(evaluation)]) == 2
    assert "a run's folder" in capsys.readouterr().err
