"""`bfx quantize`: results, exit codes and plain errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bokehflow.calibration.sample_making import HELD_OUT_SEED
from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.media import write_photo
from bokehflow.quantize.held_out import Limits
from tests.cli.runner import Bfx
from tests.export.copies import copied, exported_otherwise


def test_it_quantizes_validates_and_names_its_files(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    source = copied(artifacts["onnx"], tmp_path)
    done = bfx("quantize", source, "--recipe", "w8", "--samples", 2,
               "--calibration", "synthetic", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    document = done.document
    made = Path(document["artifact"])
    assert made.name == source.name.replace("_fp32", "_w8")
    assert Path(document["record_file"]).is_file()
    assert Path(document["samples_file"]).is_file()
    assert bfx("validate", made).exit_code == 0
    refused = bfx("quantize", made).require_plain_error(2)
    assert "quantized already, by w8" in refused


def test_a_place_that_cannot_be_written_is_told_before_any_sample_is_drawn(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bokehflow.calibration.sample_making.make_samples", None)
    taken = tmp_path / "taken"
    taken.touch()
    done = bfx("quantize", artifacts["onnx"].path, "--recipe", "w8", "-o", taken)
    assert "taken is a file; expected a folder" in done.require_plain_error(2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--recipe", "palette6"], "int8 or int8-mixed or w8", id="recipe-not-here"),
        pytest.param(["--recipe", "int7"], "did you mean 'int8'", id="recipe-unknown"),
        pytest.param(["--search", "nnfc"], "did you mean 'nncf'", id="search-unknown"),
        pytest.param(["--search", "nncf"], "int8-mixed", id="search-without-need"),
        pytest.param(["--max-drop-db", "-1"], "at least 0", id="limit-below-zero"),
        pytest.param(["--calibration", "nowhere"], "no calibration material", id="no-folder"),
    ],
)
def test_bad_requests(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, options: list[str], words: str
) -> None:
    done = bfx("quantize", artifacts["onnx"].path, "-o", tmp_path / "a" / "b", *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_other_settings_were_quantized_to_is_told_before_any_sample_is_drawn(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bokehflow.calibration.sample_making.make_samples", None)
    source = artifacts["onnx"]
    other = exported_otherwise(source, tmp_path, lambda facts: facts["render"].update(blades=6))
    place = tmp_path / source.path.name.replace("_fp32", "_w8")
    manifest_path(other).rename(manifest_path(place))
    other.rename(place)
    line = bfx("quantize", source.path, "--recipe", "w8", "-o", tmp_path).require_plain_error(2)
    assert f"{place} has render.blades 6; expected 0" in line


def test_what_replaces_one_of_other_weights_says_so(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    source = copied(artifacts["onnx"], tmp_path)
    place = tmp_path / source.name.replace("_fp32", "_w8")
    shutil.copy(source, place)
    facts = json.loads(manifest_path(source).read_text())
    manifest_path(place).write_text(json.dumps(facts | {"weights_sha256": "1" * 64}))
    command = ("quantize", source, "--recipe", "w8", "--samples", 2, "--calibration", "synthetic")
    assert f"{place} replaced one of other weights (1111" in bfx(*command).stderr
    assert "other weights" not in bfx(*command).stderr


def test_nothing_is_quantized_into_the_artifact_itself(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    copy = copied(artifacts["openvino"], tmp_path)
    line = bfx("quantize", copy, "-o", copy / "inside").require_plain_error(2)
    assert f"would write over {copy}" in line
    assert sorted(path.name for path in copy.iterdir()) == ["model.bin", "model.xml"]


def test_an_artifact_may_be_named_from_inside_its_folder(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied(artifacts["openvino"], tmp_path))
    line = bfx("quantize", ".", "--seed", HELD_OUT_SEED).require_plain_error(2)
    assert "would write over" not in line
    assert f"seed {HELD_OUT_SEED}" in line


def test_a_bad_photo_is_listed_and_left_out_on_request(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    import torch

    source, photos = copied(artifacts["onnx"], tmp_path), tmp_path / "photos"
    photos.mkdir()
    empty = bfx("quantize", source, "--calibration", photos)
    assert empty.exit_code == 2
    assert "no photo, video or clip" in empty.stderr
    write_photo(photos / "good.png", torch.rand(1, 3, 96, 160))
    (photos / "bad.jpg").write_bytes(b"no picture")
    wanted = ("quantize", source, "--recipe", "w8", "--calibration", photos, "--samples", 2)
    refused = bfx(*wanted)
    assert refused.exit_code == 2
    assert "bad.jpg" in refused.stderr
    done = bfx(*wanted, "--skip-bad")
    assert done.exit_code == 0, done.stderr
    assert "left out" in done.stderr


def test_a_limit_that_cannot_be_kept_exits_with_1_and_keeps_the_best(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limits, "met_by", lambda _self, _loss: False)
    source = copied(artifacts["onnx"], tmp_path)
    done = bfx("quantize", source, "--recipe", "w8", "--samples", 2,
               "--calibration", "synthetic", "--json")  # fmt: skip
    assert done.exit_code == 1
    document = done.document
    assert document["met"] is False
    assert Path(document["artifact"]).is_file()
    assert not json.loads(Path(document["record_file"]).read_text())["held_out"]["met"]
