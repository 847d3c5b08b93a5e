"""What data a record rests on."""

from __future__ import annotations

from pathlib import Path

from bokehflow.benchmarks.evaluation.data_facts import data_facts
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.making import make_data
from bokehflow.calibration.data.request import DataRequest
from tests.training.samples import tiny_clip


def test_clips_without_a_manifest_are_told_as_well(tmp_path: Path) -> None:
    make_data(tmp_path / "made", DataRequest(32, 32, 1, 0), ["layered"], 1)
    (tmp_path / "real/davis").mkdir(parents=True)
    for seed, split in enumerate(("train", "train", "held-out")):
        write_clip(tmp_path / f"real/davis/{seed}.npz", tiny_clip(seed, split=split))
    (tmp_path / "real/davis/bad.npz").write_bytes(b"no clip")
    (tmp_path / "made/davis").mkdir()
    write_clip(tmp_path / "made/davis/0.npz", tiny_clip(0))
    made, beside, imported = data_facts(tmp_path)
    assert (beside["folder"], beside["counts"]) == ("made/davis", {"made": {"train": 1}})
    assert (made["folder"], made["counts"]) == ("made", {"layered": {"train": 1}})
    assert (imported["folder"], imported["request"]) == ("real/davis", None)
    assert imported["counts"] == {"made": {"held-out": 1, "train": 2}}


def test_a_folder_within_another_does_not_part_it(tmp_path: Path) -> None:
    for seed, name in enumerate(("a.npz", "b/a.npz", "c.npz")):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_clip(path, tiny_clip(seed))
    found = [(facts["folder"], facts["counts"]) for facts in data_facts(tmp_path)]
    assert found == [("set", {"made": {"train": 2}}), ("set/b", {"made": {"train": 1}})]
