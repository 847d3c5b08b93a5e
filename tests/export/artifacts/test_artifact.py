"""Artifact, manifest and record: they appear together, or what was there stays."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import zipfile
from pathlib import Path

import pytest

from bokehflow.errors import ArtifactError, OutputError
from bokehflow.export import Manifest
from bokehflow.export.artifacts.artifact import load_artifact, seal
from bokehflow.export.artifacts.hashing import artifact_sha256
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import manifest_path, record_path
from bokehflow.signature import input_specs, output_specs
from bokehflow.specs import VARIANTS
from tests.benchmarks.report.samples import SIZE, manifest

NANO = VARIANTS["nano"]
WHOLE = manifest(SIZE, inputs=input_specs(NANO, SIZE), outputs=output_specs(NANO, SIZE))


def write(path: Path, content: str, interrupted: bool = False) -> None:
    def record(made: Manifest) -> dict[str, object]:
        if interrupted:
            raise KeyboardInterrupt
        return {"sha256": made.artifact_sha256, "of": content}

    seal(path, WHOLE, lambda target: target.write_text(content), record)


def test_a_record_is_of_what_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    write(path, "first")
    write(path, "second")
    found = json.loads(record_path(path).read_text())
    assert found == {"sha256": artifact_sha256(path), "of": "second"}
    assert json.loads(manifest_path(path).read_text())["artifact_sha256"] == found["sha256"]


def test_an_interrupt_leaves_the_artifact_and_the_record_before(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    write(path, "first")
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        write(path, "second", interrupted=True)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == before
    assert len(before) == 3


@pytest.mark.parametrize("target", ["openvino", "coreml"])
def test_a_file_where_a_folder_is_to_be_is_told_before_any_work(
    tmp_path: Path, target: str
) -> None:
    path = tmp_path / "a"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"a is a file; .* move it away"):
        seal(path, dataclasses.replace(WHOLE, target=target), lambda _: pytest.fail("no work"))
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["a.onnx.json", "a.onnx.zip"])
def test_a_pipe_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "a.onnx").touch()
    os.mkfifo(tmp_path / name)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("waits"))
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("waits"))
    with pytest.raises(ArtifactError, match=f"{name} is a pipe or a device; expected a "):
        load_artifact(tmp_path / name)


def test_a_manifest_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)  # an administrator may read anything
    with pytest.raises(ArtifactError, match="cannot be read: Permission denied"):
        read_manifest(tmp_path / "a.json")
