"""`bfx pack`, and commands on what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import manifest_path
from tests.cli.runner import Bfx
from tests.export.copies import copied


def test_what_is_packed_is_read_as_it_is(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    paths = [artifacts[target].path for target in ("onnx", "openvino")]
    packed = bfx("pack", *paths, "-o", tmp_path / "new", "--json").document["artifacts"]
    sizes = [Path(each["packed"]).stat().st_size for each in packed]
    assert sizes == [each["packed_bytes"] for each in packed]
    assert all(each["packed_bytes"] < each["bytes"] for each in packed)
    files = [each["packed"] for each in packed]
    done = bfx("validate", *files, "--frames", 1, "--json")
    assert done.exit_code == 0
    seen = done.document["artifacts"]
    assert [(each["artifact"], each["bytes"]) for each in seen] == list(
        zip(files, sizes, strict=True)
    )


def test_what_renders_is_called_what_was_given(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    (packed,) = bfx("pack", artifacts["openvino"].path, "-o", tmp_path, "--json").document[
        "artifacts"
    ]
    for name, size in (("fits.png", (160, 96)), ("other.png", (64, 48))):
        Image.new("RGB", size).save(tmp_path / name)
    options = ("--artifact", packed["packed"], "--focus-m", 2)
    done = bfx("render", tmp_path / "fits.png", *options, "--json")
    assert done.document["artifact"] == packed["packed"]
    line = bfx("render", tmp_path / "other.png", *options).require_plain_error(2)
    assert f"the size {packed['packed']} was exported for" in line


def test_a_folder_with_the_name_of_the_zip_stays(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    folder = tmp_path / f"{artifacts['onnx'].path.name}.zip"
    folder.mkdir()
    line = bfx("pack", artifacts["onnx"].path, "-o", tmp_path).require_plain_error(2)
    assert "is a folder" in line
    assert folder.is_dir()


def test_a_packed_one_is_not_packed_again(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    packed = bfx("pack", artifacts["onnx"].path, "-o", tmp_path, "--json").document["artifacts"]
    line = bfx("pack", packed[0]["packed"]).require_plain_error(2)
    assert "packed already" in line
    assert len(list(tmp_path.iterdir())) == 1


def test_two_of_one_name_are_not_written_over_each_other(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = artifacts["onnx"].path
    assert "two artifacts" in bfx("pack", path, path, "-o", tmp_path).require_plain_error(2)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_packed_into_an_artifact_that_is_not_even_asked_about(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    one, other = (copied(artifacts[target], tmp_path) for target in ("onnx", "openvino"))
    line = bfx("pack", one, "-o", other / "new").require_plain_error(2)
    assert f"lies in the artifact {other}" in line
    manifest_path(other).write_text("{}")  # a user's own
    assert bfx("pack", one, "-o", other / "new").exit_code == 0


@pytest.mark.parametrize("inside", [".", "new/folder"])
def test_nothing_is_packed_into_an_artifact(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, inside: str
) -> None:
    paths = [copied(artifacts[target], tmp_path) for target in ("onnx", "openvino")]
    line = bfx("pack", *paths, "-o", paths[1] / inside).require_plain_error(2)
    assert f"lies in the artifact {paths[1]}" in line
    assert sorted(path.name for path in paths[1].iterdir()) == ["model.bin", "model.xml"]
