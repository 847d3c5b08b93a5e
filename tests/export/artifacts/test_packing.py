"""An artifact in one file, and what is no such file."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bokehflow.errors import ArtifactError, OutputError, UsageError
from bokehflow.export import Artifact, Parity, load_artifact
from bokehflow.export.artifacts import packing
from bokehflow.export.artifacts.artifact import seal
from bokehflow.export.artifacts.hashing import artifact_sha256
from bokehflow.export.artifacts.manifest import Manifest
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import manifest_path, record_path
from bokehflow.export.artifacts.packing import pack, packed_path
from bokehflow.runtimes import open_session
from bokehflow.runtimes.hazards.lint import lint
from tests.export.copies import copied

TARGETS = ("onnx", "openvino", "coreml")


@pytest.mark.parametrize("target", TARGETS)
def test_a_packed_artifact_is_the_artifact(
    target: str, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    made = artifacts[target]
    path = tmp_path / packed_path(made.path).name
    pack(made.path, path)
    opened = load_artifact(path)
    assert (opened.manifest, opened.given) == (made.manifest, path)
    assert opened.path.name == made.path.name
    assert artifact_sha256(opened.path) == artifact_sha256(made.path)
    assert opened.file_bytes == path.stat().st_size < 0.95 * made.file_bytes
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("target", ["openvino", "coreml"])
def test_what_a_system_hides_in_a_folder_is_no_part_of_it(
    target: str, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    made = artifacts[target]
    copy = shutil.copytree(made.path, tmp_path / made.path.name)
    shutil.copy(manifest_path(made.path), manifest_path(copy))
    (copy / ".DS_Store").write_bytes(b"view")
    (copy / ".Spotlight").mkdir()
    (copy / ".Spotlight" / "store").write_bytes(b"index")
    opened = load_artifact(copy)
    assert opened.file_bytes == made.file_bytes
    path = tmp_path / "one.zip"
    pack(copy, path)
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "/." in name]
    assert load_artifact(path).manifest == made.manifest


def test_the_same_artifact_makes_the_same_file(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    for name in ("one.zip", "two.zip"):
        pack(artifacts["openvino"].path, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_parity_is_written_into_the_packed_file(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    pack(artifacts["openvino"].path, path)
    parity = Parity(2, 90.0, 80.0, "openvino", "executed")
    assert load_artifact(path).with_parity(parity).given == path
    assert load_artifact(path).manifest.parity == parity


def test_parity_leaves_everything_else_in_the_packed_file(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    pack(artifacts["openvino"].path, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.txt", "mine")
        archive.writestr("photos/", "")
        archive.comment = b"a comment"
        before = {member.filename: member.CRC for member in archive.infolist()}
    load_artifact(path).with_parity(Parity(2, 90.0, 80.0, "openvino", "executed"))
    with zipfile.ZipFile(path) as archive:
        after = {member.filename: member.CRC for member in archive.infolist()}
        assert archive.comment == b"a comment"
    changed = {name for name in before if before[name] != after[name]}
    assert list(after) == list(before)
    assert changed == {manifest_path(artifacts["openvino"].path).name}


def test_hazards_are_those_of_what_is_inside(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    pack(artifacts["openvino"].path, tmp_path / "one.zip")
    assert lint(tmp_path / "one.zip") == lint(artifacts["openvino"].path)


def _without_manifest(path: Path) -> None:
    with zipfile.ZipFile(path) as whole:
        kept = {name: whole.read(name) for name in whole.namelist() if not name.endswith(".json")}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in kept.items():
            archive.writestr(name, content)


def _halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _misnamed(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("é", "")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))


def _flipped_in_another_packing(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    _flipped(path)


def _beyond_its_end(path: Path) -> None:
    """Its first file is told to lie where no file reaches: in an extra field of 64 bits."""
    content = bytearray(path.read_bytes())
    entry, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    place = entry + 46 + int.from_bytes(content[entry + 28 : entry + 30], "little")
    content[entry + 42 : entry + 46] = b"\xff" * 4
    content[entry + 30 : entry + 32] = struct.pack("<H", 12)
    size = int.from_bytes(content[end + 12 : end + 16], "little") + 12
    content[end + 12 : end + 16] = struct.pack("<I", size)
    content[place:place] = struct.pack("<HHQ", 1, 8, 2**64 - 6)
    path.write_bytes(content)


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("prefix", ["/", "./", "../", ".", ""], ids=repr)
def test_names_that_no_artifact_has_are_refused(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "one.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("model.onnx", ".json", "..json", "...json"):
            archive.writestr(f"{prefix}{name}", "x")
    with pytest.raises(ArtifactError, match="holds 0 artifacts"):
        load_artifact(path)


def test_a_full_disk_is_not_told_as_a_damaged_zip(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_archive: zipfile.ZipFile, _folder: str, _members: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pack(artifacts["onnx"].path, tmp_path / "one.zip")
    monkeypatch.setattr(zipfile.ZipFile, "extractall", fail)
    with pytest.raises(OutputError, match=r"No space left on device; free .* TMPDIR"):
        load_artifact(tmp_path / "one.zip")


def test_a_source_that_cannot_be_read_is_told_as_such(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(ArtifactError, match=r"onnx cannot be read \(.*Input/output error"):
        pack(artifacts["onnx"].path, tmp_path / "one.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_without_manifest, "holds 0 artifacts"),
        (_halved, "cannot be unpacked"),
        (_flipped, "cannot be unpacked"),
        (_flipped_in_another_packing, "cannot be unpacked"),
        (_misnamed, "cannot be unpacked"),
        (_beyond_its_end, "cannot be unpacked"),
        (_a_folder, "cannot be unpacked"),
        (Path.unlink, "no artifact at"),
    ],
)
def test_what_is_no_packed_artifact_is_refused(
    damage: Callable[[Path], None], told: str, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    pack(artifacts["openvino"].path, path)
    damage(path)
    with pytest.raises(ArtifactError, match=told):
        load_artifact(path)


def _rewritten(path: Path, changed: str, content: bytes) -> None:
    """Put other content into one member of a packed artifact."""
    with zipfile.ZipFile(path) as before:
        kept = {name: before.read(name) for name in before.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, own in kept.items():
            archive.writestr(name, content if name == changed else own)


@pytest.mark.parametrize("added", ["", ".json", ".quantization.json"])
def test_what_would_unpack_to_more_than_it_says_is_not_unpacked(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: str
) -> None:
    monkeypatch.setattr(packing, "MOST_BESIDE_BYTES", 2**18)
    made, path = artifacts["onnx"].path, tmp_path / "one.zip"
    copy = copied(artifacts["onnx"], tmp_path)
    record_path(copy).write_text("{}")
    pack(copy, path)
    _rewritten(path, made.name + added, bytes(2**26))
    assert path.stat().st_size < 2**24
    written: list[str] = []
    extract = zipfile.ZipFile.extract

    def noted(archive: zipfile.ZipFile, member: zipfile.ZipInfo, *where: str) -> str:
        written.append(member.filename)
        return extract(archive, member, *where)

    monkeypatch.setattr(zipfile.ZipFile, "extract", noted)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", lambda *_: pytest.fail("unpacked"))
    told = "at most 262144" if added else "as its manifest says"
    with pytest.raises(ArtifactError, match=rf"one\.zip.* {2**26} bytes; expected .*{told}"):
        load_artifact(path)
    assert made.name + added not in written


def test_what_does_not_belong_to_the_artifact_is_not_unpacked(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = tmp_path / "one.zip"
    pack(artifacts["onnx"].path, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("junk/zeros", bytes(100))
    folder = load_artifact(path).path.parent
    assert {file.name for file in folder.iterdir()} == {
        artifacts["onnx"].path.name,
        manifest_path(artifacts["onnx"].path).name,
    }


def _another_model(folder: Path) -> None:
    (folder / "x_openvino" / "model.xml").write_text("no model")


def _another_schema(folder: Path) -> None:
    (folder / "x_openvino.json").write_text('{"schema_version": 99}')


def _a_model_that_does_not_load(folder: Path) -> None:
    def write(place: Path) -> None:
        place.mkdir()
        (place / "model.xml").write_text("no model")

    seal(folder / "x_openvino", read_manifest(folder / "x_openvino.json"), write)


@pytest.mark.parametrize("damage", [_another_model, _another_schema, _a_model_that_does_not_load])
def test_errors_name_the_zip_and_not_where_it_was_unpacked(
    damage: Callable[[Path], None], artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    made, path = artifacts["openvino"].path, tmp_path / "one.zip"
    copy = shutil.copytree(made, tmp_path / "x_openvino")
    shutil.copy(manifest_path(made), manifest_path(copy))
    damage(tmp_path)
    pack(copy, path)
    opening = [lambda: open_session(load_artifact(path))]
    if damage is not _another_schema:
        opening.append(lambda: lint(path))
    for opened in opening:
        with pytest.raises(ArtifactError, match=f"{path}/x_openvino") as told:
            opened()
        assert "bfx-unpacked-" not in str(told.value)


def test_what_else_begins_with_its_name_does_not_belong_to_an_artifact(tmp_path: Path) -> None:
    own = {"a.onnx", "a.onnx.json", "a.onnx.quantization.json"}
    for name in (*own, "a.onnx.benchmark.json", "a.onnx_openvino.json", "a.onnx-old.json"):
        (tmp_path / name).touch()
    pack(tmp_path / "a.onnx", tmp_path / "a.onnx.zip")
    with zipfile.ZipFile(tmp_path / "a.onnx.zip") as archive:
        assert set(archive.namelist()) == own


def test_a_record_beside_an_artifact_may_be_written_again(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = tmp_path / "a.onnx"
    seal(path, artifacts["onnx"].manifest, lambda target: target.write_bytes(b"a graph"))
    record = tmp_path / "a.onnx.benchmark.json"
    record.touch()
    artifact, refused = load_artifact(path), []
    for output in (record, tmp_path / "a.onnx.json", path):
        try:
            artifact.require_apart(output)
        except UsageError:
            refused.append(output.name)
    assert refused == ["a.onnx.json", "a.onnx"]


def test_what_is_unpacked_may_be_read_by_others(tmp_path: Path) -> None:
    for name in ("a.onnx", "a.onnx.json"):
        (tmp_path / name).touch(0o600)
    pack(tmp_path / "a.onnx", tmp_path / "a.onnx.zip")
    with zipfile.ZipFile(tmp_path / "a.onnx.zip") as archive:
        found = [(m.create_system, oct(m.external_attr >> 16)) for m in archive.infolist()]
    assert found == [(3, "0o100644")] * 2


def test_an_artifact_that_may_not_be_read_is_an_artifact_error(
    artifacts: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = artifacts["onnx"].path

    def refused(_: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("bokehflow.export.artifacts.artifact.artifact_sha256", refused)
    with pytest.raises(ArtifactError, match=r"fp32\.onnx cannot be read: Permission denied"):
        load_artifact(path)


def test_what_is_exported_again_while_it_is_packed_is_not_packed(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = _exported(tmp_path, artifacts["onnx"], packed=False)
    opened = load_artifact(path)
    _exported_again(path, b" of another export")
    with pytest.raises(OutputError, match="was exported again in the meantime"):
        pack(path, packed_path(path), opened.manifest_now)
    assert not packed_path(path).exists()


def test_a_name_that_no_zip_can_hold_is_refused(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    path = tmp_path / os.fsdecode(b"\xff.onnx")
    shutil.copy(artifacts["onnx"].path, path)
    with pytest.raises(ArtifactError, match="rename it"):
        pack(path, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_an_onnx_file_is_opened_from_a_path_that_is_no_text(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    opened = open_session(load_artifact(copied(artifacts["onnx"], folder)))
    assert opened.info.output_names[:2] == ("bokeh", "depth")


def test_measuring_a_packed_one_leaves_no_copy_more(
    artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "a.zip"
    pack(artifacts["onnx"].path, path)
    opened = load_artifact(path)
    opened.with_parity(Parity(1, 90.0, 90.0, "onnxruntime", "executed"))
    assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert opened.path.exists()


def _exported_again(path: Path, changes: bytes) -> None:
    """What `bfx export` does to an artifact, or to a packed one, while another command reads it."""
    place = path.with_name(path.name.removesuffix(".zip"))
    before = load_artifact(path)
    content = before.path.read_bytes() + changes
    manifest = dataclasses.replace(before.manifest, trained=False)
    seal(place, manifest, lambda target: target.write_bytes(content))
    if place != path:
        pack(place, path)


def _exported(folder: Path, like: Artifact, packed: bool) -> Path:
    """An artifact that is soon written, or its packed form."""
    path = folder / like.path.name
    seal(path, like.manifest, lambda target: target.write_bytes(b"a graph"))
    if packed:
        pack(path, packed_path(path))
    return packed_path(path) if packed else path


@pytest.mark.parametrize("packed", [False, True], ids=["file", "packed"])
def test_parity_leaves_what_was_exported_in_the_meantime(
    tmp_path: Path, packed: bool, artifacts: dict[str, Artifact]
) -> None:
    path = _exported(tmp_path, artifacts["onnx"], packed)
    opened, parity = load_artifact(path), Parity(2, 90.0, 80.0, "onnxruntime", "executed")
    _exported_again(path, b"")
    assert opened.with_parity(parity).manifest.trained is False
    assert load_artifact(path).manifest.parity == parity
    _exported_again(path, b"more")
    expected = load_artifact(path).manifest
    with pytest.raises(OutputError, match="exported again in the meantime"):
        opened.with_parity(None)
    assert load_artifact(path).manifest == expected


@pytest.mark.parametrize("packed", [False, True], ids=["file", "packed"])
def test_parity_leaves_what_is_exported_while_it_is_written(
    tmp_path: Path,
    packed: bool,
    artifacts: dict[str, Artifact],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = _exported(tmp_path, artifacts["onnx"], packed)
    opened, to_json = load_artifact(path), Manifest.to_json

    def late(manifest: Manifest) -> str:
        monkeypatch.setattr(Manifest, "to_json", to_json)
        _exported_again(path, b"more")
        return to_json(manifest)

    monkeypatch.setattr(Manifest, "to_json", late)
    with pytest.raises(OutputError, match="exported again in the meantime"):
        opened.with_parity(None)
    assert load_artifact(path).manifest.trained is False
