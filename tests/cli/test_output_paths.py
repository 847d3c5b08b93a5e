"""No command writes into an artifact, which a file more would damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bokehflow.export import Artifact, load_artifact
from tests.cli.runner import Bfx
from tests.export.copies import copied
from tests.media.samples import gradient

COMMANDS = {
    "render": ("render", "PHOTO", "-o", "ARTIFACT/out.png"),
    "depth map": ("render", "PHOTO", "-o", "OUT", "--depth-out", "ARTIFACT/depth.npy"),
    "quality": ("quality", "--scenes", "portrait", "--size", "64x96", "-o", "ARTIFACT"),
    "scenes": ("quality", "--scenes", "portrait", "--size", "64x96", "--write-scenes", "ARTIFACT"),
    "evaluate": ("evaluate", "--data", "data", "-o", "ARTIFACT/more"),
    "data make": ("data", "make", "ARTIFACT", "--count", "1", "--size", "64x64"),
    "data import": ("data", "import", "davis", "set", "ARTIFACT", "--fov-deg", "60"),
    "data material": ("data", "material", "ARTIFACT"),
    "train": ("train", "CONFIG", "--out", "ARTIFACT/run"),
    "export-weights": ("export-weights", "run", "-o", "ARTIFACT/nano.safetensors"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_artifact_is_no_place_for_outputs(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, command: str
) -> None:
    artifact = copied(artifacts["openvino"], tmp_path)
    Image.fromarray(gradient(64, 96)).save(tmp_path / "a.png")
    config = Path(__file__).parents[2] / "configs" / "nano.toml"
    places = {"PHOTO": tmp_path / "a.png", "CONFIG": config, "OUT": tmp_path / "out.png"}
    arguments = [
        str(places.get(word, word)).replace("ARTIFACT", str(artifact)) for word in COMMANDS[command]
    ]
    done = bfx(*arguments)
    assert "would damage it" in done.require_plain_error(2)
    assert load_artifact(artifact).manifest == artifacts["openvino"].manifest
