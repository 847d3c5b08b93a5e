"""`bfx evaluate` from end to end, and what it says about mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from bokehflow.benchmarks.evaluation.held_out import ALL
from bokehflow.benchmarks.evaluation.report import SCHEMA
from bokehflow.benchmarks.evaluation.run import EvaluationConfig, prepare
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.manifest import MANIFEST
from bokehflow.errors import InputError, MediaError, SizeError
from bokehflow.weights import save_weights
from bokehflow.weights.initial import initial_network
from tests.cli.runner import Bfx
from tests.media import samples as media
from tests.training.samples import TINY, tiny_clip, use_tiny_variant, write_clips


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One held-out still and one held-out film, beside training clips."""
    use_tiny_variant(monkeypatch)
    # The weights that ship are those of the true Nano.
    monkeypatch.setattr("bokehflow.weights.shipped_weights", lambda _variant: None)
    folder = write_clips(tmp_path / "data")
    write_clip(folder / "still.npz", tiny_clip(8, split="held-out"))
    write_clip(folder / "film.npz", tiny_clip(9, frames=2, split="held-out"))
    return folder


def snapshots(folder: Path) -> Path:
    """Two snapshots of one network, so that nothing gets worse."""
    folder.mkdir()
    tensors = dict(initial_network(TINY).named_parameters())
    for step in (1, 2):
        path = folder / f"step-{step:07d}.safetensors"
        save_weights(path, tensors, "nano", trained=True, fov_deg=60.0)
    return folder


def test_everything_is_measured_and_recorded(
    bfx: Bfx, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The Motorcycle alone is sheet enough.
    monkeypatch.setattr("bokehflow.benchmarks.evaluation.photos.PACKAGED", ())
    output, folder = tmp_path / "out", snapshots(tmp_path / "snapshots")
    command = ("evaluate", "--data", data, "--pairs", "motorcycle", "-o", output)
    done = bfx(*command, "--snapshots", folder, "--json")
    document = done.document
    assert document["schema"] == SCHEMA
    assert document["contact_sheet"]["photos"] == 1
    assert document["weights"]["trained"] is False
    assert "untrained" in done.stderr
    results = document["results"]
    assert results["held_out"][ALL]["stills"] == 2
    assert results["film_count"] == 1
    assert [point["step"] for point in results["trend"]] == [1, 2]
    assert results["aloe"] == {}
    checks = {check["name"]: check["holds"] for check in document["checks"]}
    assert not checks["Motorcycle, median-aligned delta1"]
    assert checks["snapshots worse than the one before, AbsRel"]
    assert done.exit_code == 1
    assert "### Depth on the Middlebury Motorcycle" in (output / "evaluation.md").read_text()
    with Image.open(output / "contact_sheet.jpg") as sheet:
        assert sheet.width > sheet.height


def test_only_what_is_asked_for_is_measured(bfx: Bfx, data: Path) -> None:
    done = bfx("evaluate", "--data", data, "--pairs", "none", "--limit", "1")
    assert done.exit_code == 1
    assert "Depth on 1 held-out stills" in done.stdout
    assert "Motorcycle" not in done.stdout
    assert "contact" not in done.stdout


MISTAKES = {
    "no data": (["--data", "nowhere"], "no data folder at nowhere"),
    "pair": (["--pairs", "motorcycl"], "did you mean 'motorcycle'"),
    "limit": (["--limit", "0"], "limit=0"),
    "scan": (["--scan", "chunk"], "did you mean 'chunked'"),
    "weights": (["--weights", "nowhere.safetensors"], "no weights file"),
    "photos": (["--photos", "nowhere", "-o", "out"], "nowhere is not a folder"),
    "video": (["--video", "nowhere.mp4"], "cannot be opened"),
    "videos": (["--video", "a/one.mp4", "--video", "b/one.mp4"], "two videos of one name"),
    "snapshots": (["--snapshots", "nowhere"], "at least two files"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes_are_plain(bfx: Bfx, data: Path, kind: str) -> None:
    arguments, message = MISTAKES[kind]
    command = ["evaluate", "--data", data, "--pairs", "none", *arguments]
    assert message in bfx(*command).require_plain_error(2)


def test_no_record_names_a_sheet_that_was_not_made(
    bfx: Bfx, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bokehflow.cli.evaluate._write_sheet", interrupted)
    output = tmp_path / "out"
    assert bfx("evaluate", "--data", data, "--pairs", "none", "-o", output).exit_code == 130
    record = json.loads((output / "evaluation.json").read_text())
    assert record["results"]["held_out"]
    assert "contact_sheet" not in record


def test_photos_without_a_place_for_their_sheet_are_refused(bfx: Bfx, data: Path) -> None:
    refused = bfx("evaluate", "--data", data, "--photos", data).require_plain_error(2)
    assert "--photos without -o" in refused


def test_the_data_is_looked_for_before_the_pairs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data folder"):
        prepare(EvaluationConfig(tmp_path / "nowhere", pairs=("none such",)))


def test_a_video_is_looked_into_before_anything_is_measured(data: Path) -> None:
    video = data.parent / "one.mp4"
    media.write_clip(video, media.Clip(frames=1))
    with pytest.raises(MediaError, match="at least 2"):
        prepare(EvaluationConfig(data, pairs=(), videos=(video,)))


def test_a_video_that_segments_cannot_share_is_told_before_anything_is_measured(
    data: Path,
) -> None:
    video = data.parent / "two.mp4"
    media.write_clip(video, media.Clip(frames=2))
    with pytest.raises(SizeError, match=r"two\.mp4 seen at 40x60"):
        prepare(EvaluationConfig(data, network_size="40x60", pairs=(), videos=(video,)))


def test_stills_for_the_trend_are_looked_for_before_anything_is_measured(data: Path) -> None:
    for name, seed, frames in (("still", 8, 1), ("film", 9, 2)):
        clip = tiny_clip(seed, frames=frames, split="held-out", depth_cues=False)
        write_clip(data / f"{name}.npz", clip)
    folder = snapshots(data.parent / "snapshots")
    with pytest.raises(InputError, match="no held-out still tells its depth"):
        prepare(EvaluationConfig(data, pairs=(), snapshots=folder))


def test_a_manifest_is_looked_into_before_anything_is_measured(data: Path) -> None:
    (data / MANIFEST).write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        prepare(EvaluationConfig(data, pairs=()))


def test_a_clip_that_cannot_be_read_is_told_or_left_out(bfx: Bfx, data: Path) -> None:
    (data / "bad.npz").write_bytes(b"no clip")
    command = ("evaluate", "--data", data, "--pairs", "none")
    assert "--skip-bad" in bfx(*command).require_plain_error(2)
    done = bfx(*command, "--skip-bad", "--json")
    assert done.document["left_out"] == 1
    assert "bad.npz" in done.stderr
