"""What an artifact may take the place of."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from bokehflow.errors import OutputError
from bokehflow.export import Manifest
from bokehflow.export.artifacts.artifact import seal
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.export.artifacts.replacing import other_weights
from tests.export.artifacts.test_artifact import WHOLE

CHUNKED = {"lowering": "chunked", "requested": "chunked"}
CHOSEN = {"lowering": "linear_attention", "requested": "auto"}


def made(**changes: Any) -> Manifest:
    """A manifest with other settings; those of the renderer by their own names."""
    names = {field.name for field in dataclasses.fields(WHOLE.render)}
    look = {name: value for name, value in changes.items() if name in names}
    rest = {name: value for name, value in changes.items() if name not in names}
    return dataclasses.replace(WHOLE, render=dataclasses.replace(WHOLE.render, **look), **rest)


def write(path: Path, manifest: Manifest, content: str) -> None:
    seal(path, manifest, lambda target: target.write_text(content))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"quality": "best"}, "a.onnx has render.quality mobile; expected best"),
        ({"quality": "best"}, {}, "render.quality best; expected mobile"),
        ({"blades": 6}, {}, "render.blades 6; expected 0"),
        ({"blades": 6}, {"blades": 6, "blade_rotation_deg": 9.0}, "blade_rotation_deg 0.0"),
        ({}, {"highlight_recovery": 2.0}, "highlight_recovery 0.0; expected 2.0"),
        ({"scan": CHUNKED}, {"scan": CHOSEN}, "scan.lowering chunked; expected linear_attention"),
        ({"scan": CHOSEN}, {"scan": CHUNKED}, "scan.lowering linear_attention; expected chunked"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_one_of_other_settings_is_kept_and_told_before_any_work(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    path = tmp_path / "a.onnx"
    write(path, made(**before), "first")
    with pytest.raises(OutputError, match=f"{told}.*; choose another folder with -o, or remove it"):
        seal(path, made(**after), lambda _: pytest.fail("no work"))
    assert path.read_text() == "first"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"blades": 6}, {"blades": 6}),
        ({"weights_sha256": "1" * 64}, {}),
        ({"scan": CHOSEN | {"lowering": "chunked"}}, {"scan": CHOSEN}),
        ({"scan": CHUNKED}, {"scan": CHOSEN | {"lowering": "chunked"}}),
    ],
    ids=["same", "weights", "chosen-otherwise", "same-scan"],
)
def test_one_of_the_same_settings_is_replaced(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    path = tmp_path / "a.onnx"
    write(path, made(**before), "first")
    write(path, made(**after), "second")
    assert path.read_text() == "second"


def test_one_that_comes_there_during_the_work_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"

    def slow(target: Path) -> None:
        write(path, made(), "another's")
        target.write_text("mine")

    with pytest.raises(OutputError, match=r"render\.quality mobile"):
        seal(path, made(quality="best"), slow)
    assert path.read_text() == "another's"


def test_what_was_removed_or_cannot_be_told_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    write(path, made(blades=6), "first")
    path.unlink()
    write(path, made(), "second")
    manifest_path(path).write_text("{}")
    write(path, made(blades=6), "third")
    assert path.read_text() == "third"


def test_other_weights_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    new = made(weights_sha256="2" * 64)
    assert other_weights(path, new) is None
    write(path, made(weights_sha256="1" * 64), "first")
    expected = f"{path} replaced one of other weights (111111111111..., now 222222222222...)"
    assert other_weights(path, new) == expected
    write(path, new, "second")
    assert other_weights(path, new) is None
