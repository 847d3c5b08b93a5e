"""Artifact, manifest and record: they appear together, or what was there stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bokehflow.export import Manifest
from bokehflow.export.artifact import seal
from bokehflow.export.hashing import artifact_sha256
from bokehflow.export.naming import manifest_path, record_path
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
