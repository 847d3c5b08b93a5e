"""`bfx doctor --artifact`."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from onnx import helper

from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.export.artifacts.packing import pack, packed_path
from tests.cli.runner import Bfx
from tests.export.copies import copied
from tests.runtimes.hazards.test_lint import write_onnx


def test_hazards_of_level_error_are_exit_1(bfx: Bfx, tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    write_onnx(path, [helper.make_node("Add", ["x", "mask"], ["y"], name="masking")], [1, 64])
    completed = bfx("doctor", "--artifact", str(path), "--json")
    assert completed.exit_code == 1
    assert completed.document["ok"] is False
    assert completed.document["counts"]["error"] == 1
    assert completed.document["hazards"][0]["where"] == "masking"
    assert "masking" in bfx("doctor", "--artifact", str(path)).stdout


def test_a_graph_without_hazards_is_exit_0(bfx: Bfx, tmp_path: Path) -> None:
    path = tmp_path / "good.onnx"
    write_onnx(path, [helper.make_node("Relu", ["x"], ["y"], name="relu")], [1, 64])
    completed = bfx("doctor", "--artifact", str(path), "--json")
    assert completed.exit_code == 0
    assert completed.document["hazards"] == []


def test_an_artifact_that_its_manifest_is_not_of_is_refused(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = copied(artifacts["onnx"], tmp_path)
    assert bfx("doctor", "--artifact", str(path)).exit_code == 0
    with path.open("ab") as file:
        file.write(b"\0")
    completed = bfx("doctor", "--artifact", str(path))
    assert "changed or damaged" in completed.require_plain_error(2)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_renamed_artifact_is_known_by_its_manifest(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, target: str
) -> None:
    named = tmp_path / "camera"
    copied(artifacts[target], tmp_path).rename(named)
    manifest_path(tmp_path / artifacts[target].path.name).rename(manifest_path(named))
    assert bfx("doctor", "--artifact", named).exit_code == 0
    manifest_path(named).unlink()
    line = bfx("doctor", "--artifact", named).require_plain_error(2)
    assert "no manifest beside it" in line


def test_a_missing_artifact_is_a_plain_error(bfx: Bfx, tmp_path: Path) -> None:
    completed = bfx("doctor", "--artifact", str(tmp_path / "none.onnx"))
    assert "no artifact" in completed.require_plain_error(2)


@pytest.mark.parametrize("named", ["itself", "manifest", "packed"])
def test_a_package_is_opened_once_by_whatever_names_it(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
) -> None:
    planned: list[Path] = []
    unpacked: list[str] = []
    extract = zipfile.ZipFile.extractall

    def extract_and_count(archive: zipfile.ZipFile, folder: str, members: list[str]) -> None:
        unpacked.append(folder)
        extract(archive, folder, members)

    monkeypatch.setattr("bokehflow.runtimes.residency.residency", planned.append)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", extract_and_count)
    made = copied(artifacts["coreml"], tmp_path)
    pack(made, packed_path(made))
    path = {"itself": made, "manifest": manifest_path(made), "packed": packed_path(made)}[named]
    completed = bfx("doctor", "--artifact", str(path), "--json")
    assert completed.document["artifact"] == str(path)
    assert [place.name for place in planned] == [made.name]
    assert planned[0].is_dir()
    assert len(unpacked) == (named == "packed")


def test_a_packed_artifact_that_its_manifest_is_not_of_is_refused(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    made = copied(artifacts["onnx"], tmp_path)
    with made.open("ab") as file:
        file.write(b"\0")
    pack(made, packed_path(made))
    completed = bfx("doctor", "--artifact", str(packed_path(made)))
    line = completed.require_plain_error(2)
    assert "changed or damaged" in line
    assert f"{packed_path(made)}/{made.name}" in line
