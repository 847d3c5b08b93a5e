"""Data folders: the same bytes however they are made, whole clips only, and every damage told."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bokehflow.calibration.data import making
from bokehflow.calibration.data.checking import check_data
from bokehflow.calibration.data.clip import TRUTHS, Clip
from bokehflow.calibration.data.clip_file import read_clip, write_clip
from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.layered_clip import LayeredGroup
from bokehflow.calibration.data.making import Job, make_data
from bokehflow.calibration.data.manifest import MANIFEST, read_manifest
from bokehflow.calibration.data.request import CLIPS_PER_GROUP, ClipKey, DataRequest, parse_sources
from bokehflow.calibration.data.split import HELD_OUT, HELD_OUT_EVERY, TRAIN, split_of_name
from bokehflow.errors import (
    DeviceError,
    InputError,
    OutputError,
    SizeError,
    UnknownNameError,
    UsageError,
)
from bokehflow.sole_use import LOCK
from tests import tolerances as tol
from tests.benchmarks.latency.watching import gone, until

REQUEST = DataRequest(height=33, width=40, frames=2, seed=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "clips"
    make_data(folder, REQUEST, ["layered"], CLIPS_PER_GROUP + 2)
    return folder


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("layered/*.npz")}


def test_clips_hold_what_the_type_promises(made: Path) -> None:
    clips = [read_clip(entry.path) for entry in find_clips(made, TRAIN).entries]
    assert len(clips) == CLIPS_PER_GROUP + 2
    for clip in clips:
        assert clip.frames.shape == (2, 33, 40, 3)
        assert (clip.inverse_depth >= 0).all()
        assert clip.inverse_depth.max() > 0
        batch = clip.tensors()
        assert batch.frames.shape == batch.bokeh.shape == (2, 3, 33, 40)
        assert batch.flow.shape == (1, 2, 33, 40)


def test_flow_fetches_a_frame_from_the_one_before(made: Path) -> None:
    for entry in find_clips(made, TRAIN).entries:
        assert _warp_error(read_clip(entry.path)) < tol.WARPED_LEVELS


def _warp_error(clip: Clip) -> float:
    valid = clip.flow_valid[0]
    rows, cols = np.nonzero(valid)
    flow = clip.flow[0][valid].astype(float)
    source = clip.frames[0][
        np.rint(rows + flow[:, 1]).astype(int), np.rint(cols + flow[:, 0]).astype(int)
    ]
    return float(np.median(np.abs(source.astype(float) - clip.frames[1][valid])))


def test_several_processes_make_the_same_bytes(made: Path, tmp_path: Path) -> None:
    make_data(tmp_path, REQUEST, ["layered"], CLIPS_PER_GROUP + 2, workers=2)
    assert _bytes(tmp_path) == _bytes(made)
    assert (tmp_path / MANIFEST).read_text() == (made / MANIFEST).read_text()


def test_a_folder_is_made_by_one_command_at_a_time(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from bokehflow.sole_use import sole_use\n"
        "with sole_use(Path(sys.argv[1]), 'bfx data make', ''):\n"
        "    print('there', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"there\n"
        with pytest.raises(UsageError, match=r"another bfx data make is in .*more --workers"):
            make_data(tmp_path, REQUEST, ["layered"], 1)
        assert not (tmp_path / MANIFEST).exists()
        other.communicate()
    assert make_data(tmp_path, REQUEST, ["layered"], 1).clips
    assert not (tmp_path / LOCK).exists()


def test_damage_is_not_taken_for_the_truth_when_making_goes_on(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(made, folder)
    first, *_ = sorted(folder.glob("layered/*.npz"))
    write_clip(first, dataclasses.replace(read_clip(first), frames=read_clip(first).frames // 2))
    make_data(folder, REQUEST, ["layered"], CLIPS_PER_GROUP + 2)
    assert list(check_data(folder).damaged) == [f"layered/{first.name}"]
    first.unlink()
    make_data(folder, REQUEST, ["layered"], CLIPS_PER_GROUP + 2)
    assert check_data(folder).holds


def test_clips_of_another_request_are_refused_where_the_manifest_is_gone(
    made: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(made, folder)
    (folder / MANIFEST).unlink()
    other = dataclasses.replace(REQUEST, seed=4)
    with pytest.raises(UsageError, match=r"seed 3 .*seed 4"):
        make_data(folder, other, ["layered"], 1)
    make_data(folder, REQUEST, ["layered"], CLIPS_PER_GROUP + 2)
    assert (folder / MANIFEST).read_text() == (made / MANIFEST).read_text()


def test_an_interrupted_run_goes_on_where_it_stopped(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def interrupted(path: Path, clip: Clip) -> None:
        if path.stem == "000003":
            raise KeyboardInterrupt
        write_clip(path, clip)

    monkeypatch.setattr(making, "write_clip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_data(tmp_path, REQUEST, ["layered"], CLIPS_PER_GROUP + 2)
    assert len(read_manifest(tmp_path).clips) == 3
    assert check_data(tmp_path).holds
    monkeypatch.undo()
    kept = (tmp_path / "layered" / "000000.npz").stat().st_mtime_ns
    make_data(tmp_path, REQUEST, ["layered"], CLIPS_PER_GROUP + 2)
    assert (tmp_path / "layered" / "000000.npz").stat().st_mtime_ns == kept
    assert _bytes(tmp_path) == _bytes(made)


def test_a_clip_that_is_damaged_is_told_before_any_work(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(made, folder)
    first, *others = sorted(folder.glob("layered/*.npz"))
    first.write_bytes(first.read_bytes()[:500])
    with pytest.raises(InputError, match=first.name):
        make_data(folder, REQUEST, ["layered"], 2 * CLIPS_PER_GROUP)
    assert sorted(folder.glob("layered/*.npz")) == [first, *others]


def test_an_interrupt_is_not_hidden_by_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path, clip: Clip) -> None:
        write_clip(path, clip)
        if path.stem == "000002":
            path.write_bytes(b"PK")
            raise KeyboardInterrupt

    monkeypatch.setattr(making, "write_clip", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_data(tmp_path, REQUEST, ["layered"], CLIPS_PER_GROUP)
    listed = [clip.path for clip in read_manifest(tmp_path).clips]
    assert listed == ["layered/000000.npz", "layered/000001.npz"]


MAKES = """
import sys
from pathlib import Path
from bokehflow.calibration.data.making import make_data
from bokehflow.calibration.data.request import DataRequest

if __name__ == "__main__":
    make_data(Path(sys.argv[1]), DataRequest(64, 64), ["layered"], 100000, workers=2)
"""


def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script, folder = tmp_path / "makes.py", tmp_path / "clips"
    script.write_text(MAKES)
    parent = subprocess.Popen([sys.executable, script, folder])
    try:
        until(lambda: any(folder.glob("layered/[!.]*.npz")))
        workers = _children(parent.pid)
        assert len(workers) >= 2
    finally:
        parent.kill()
        parent.wait()
    until(lambda: all(gone(number) for number in workers))


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(number) for number in listed.split()]


def test_processes_are_born_deaf_to_ctrl_c() -> None:
    sleeping = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with making._born_deaf():
        process = subprocess.Popen(sleeping, stdout=subprocess.PIPE)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.kill()


def test_a_name_that_is_no_text_has_a_side_too() -> None:
    assert split_of_name(os.fsdecode(b"bad\xff.png")) in (TRAIN, HELD_OUT)


def test_processes_stop_at_their_next_clip_when_interrupted(tmp_path: Path) -> None:
    groups = 5

    def interrupted(number: int) -> None:
        if number:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_data(tmp_path, REQUEST, ["layered"], groups * CLIPS_PER_GROUP, 2, interrupted)
    # A group of each process, and what was begun after the first had ended.
    assert len(read_manifest(tmp_path).clips) <= 2 * CLIPS_PER_GROUP + 2
    assert check_data(tmp_path).holds


def test_damage_is_found(tmp_path: Path) -> None:
    make_data(tmp_path, REQUEST, ["layered"], 4)
    first, second, third = (tmp_path / "layered" / f"00000{n}.npz" for n in range(3))
    first.unlink()
    second.write_bytes(second.read_bytes()[:500])
    third.rename(third.with_name("000009.npz"))
    result = check_data(tmp_path)
    assert result.missing == ("layered/000000.npz", "layered/000002.npz")
    assert list(result.damaged) == ["layered/000001.npz"]
    assert result.unlisted == ("layered/000009.npz",)
    assert result.good == 1


def test_imported_clips_may_lie_beside_those_that_are_made(tmp_path: Path, made: Path) -> None:
    (tmp_path / "davis").mkdir()
    shutil.copy(made / "layered" / "000000.npz", tmp_path / "davis" / "bear_00000.npz")
    other = dataclasses.replace(REQUEST, seed=REQUEST.seed + 1)
    manifest = make_data(tmp_path, other, ["layered"], 1)
    assert [clip.path for clip in manifest.clips] == ["layered/000000.npz"]
    assert check_data(tmp_path).holds


def _end_this_process(_job: Job) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_a_worker_that_was_ended_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_run_in_worker", _end_this_process)
    with pytest.raises(DeviceError, match="ended from outside"):
        make_data(tmp_path, REQUEST, ["layered"], 2 * CLIPS_PER_GROUP, workers=2)
    assert check_data(tmp_path).holds


WRONG_TYPES: dict[str, Callable[[Any], object]] = {
    "path": lambda facts: facts["clips"][0].update(path=1),
    "hash": lambda facts: facts["clips"][0].update(sha256=None),
    "names of assets": lambda facts: facts["clips"][0].update(assets=[1]),
    "index": lambda facts: facts["clips"][0].update(index=True),
    "clip": lambda facts: facts["clips"].append("a.npz"),
    "clips": lambda facts: facts.update(clips=None),
    "asset": lambda facts: facts["assets"][0].update(licence=4),
    "request": lambda facts: facts["request"].update(height="48"),
    "unknown key": lambda facts: facts["request"].update(heigth=48),
}


@pytest.mark.parametrize("kind", WRONG_TYPES)
def test_a_manifest_of_wrong_types_is_told(made: Path, tmp_path: Path, kind: str) -> None:
    facts = json.loads((made / MANIFEST).read_text())
    WRONG_TYPES[kind](facts)
    (tmp_path / MANIFEST).write_text(json.dumps(facts))
    with pytest.raises(InputError, match="cannot be read"):
        check_data(tmp_path)


def test_a_manifest_that_is_nested_too_deep_is_told(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("[" * 100000)
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path)


def test_a_full_disk_is_told_of_the_clip_that_it_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _: object) -> None:
        raise OutputError(f"no room for {path.name}")

    with monkeypatch.context() as disk:
        for name in ("write_clip", "write_manifest"):
            disk.setattr(making, name, refuse)
        with pytest.raises(OutputError, match=r"no room for 000000\.npz"):
            make_data(tmp_path, REQUEST, ["layered"], 1)
    assert make_data(tmp_path, REQUEST, ["layered"], 1).clips


def test_a_folder_of_another_request_is_refused(made: Path) -> None:
    with pytest.raises(UsageError, match="33x40"):
        make_data(made, DataRequest(48, 64), ["layered"], 1)


def test_held_out_clips_show_held_out_works_only() -> None:
    group = HELD_OUT_EVERY - 1
    assert ClipKey("layered", group * CLIPS_PER_GROUP).split == HELD_OUT
    for number, wanted in ((0, TRAIN), (group, HELD_OUT)):
        scene = LayeredGroup(DataRequest(32, 32), number)
        clips = [scene.clip(number * CLIPS_PER_GROUP + index) for index in range(4)]
        names = {asset.name for clip in clips for asset in clip.info.assets}
        assert names
        assert {split_of_name(name) for name in names} == {wanted}
        assert {clip.info.split for clip in clips} == {wanted}


def test_without_lens_views_all_else_is_the_same(made: Path, tmp_path: Path) -> None:
    request = dataclasses.replace(REQUEST, lens_views=False)
    make_data(tmp_path, request, ["layered"], 1)
    name = "layered/000000.npz"
    whole, depth = read_clip(made / name), read_clip(tmp_path / name)
    assert (whole.info.known, depth.info.known) == (TRUTHS, ("depth", "flow"))
    for array in ("frames", "inverse_depth", "flow", "flow_valid"):
        assert np.array_equal(getattr(whole, array), getattr(depth, array)), array
    assert read_manifest(tmp_path).request == request
    with pytest.raises(UsageError, match="no lens views"):
        make_data(tmp_path, REQUEST, ["layered"], 1)
    manifest = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(UsageError, match=r"with depth, flow; expected .* with depth, bokeh, flow"):
        make_data(tmp_path, REQUEST, ["layered"], 1)
    (tmp_path / MANIFEST).write_bytes(manifest)
    assert find_clips(tmp_path, TRAIN, known=("depth",)).entries
    with pytest.raises(InputError, match=r"no train clip .* holds .*: they lack bokeh.*lens views"):
        find_clips(tmp_path, TRAIN)


def test_a_folder_can_hold_one_split_only(tmp_path: Path) -> None:
    first = (HELD_OUT_EVERY - 1) * CLIPS_PER_GROUP
    make_data(tmp_path, REQUEST, ["layered"], first + 1, splits=[HELD_OUT])
    assert [clip.index for clip in read_manifest(tmp_path).clips] == [first]
    with pytest.raises(UsageError, match=f"above {first}"):
        make_data(tmp_path, REQUEST, ["layered"], first, splits=[HELD_OUT])


def test_another_seed_makes_another_clip() -> None:
    one, other = (LayeredGroup(DataRequest(32, 32, seed=seed), 0).clip(0) for seed in (0, 1))
    assert not np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot be read"), (b"PK\x03\x04 nonsense", "cannot be read")],
    ids=["empty", "nonsense"],
)
def test_an_unreadable_clip_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "clip.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_clip(path)


def test_requests_check_themselves(tmp_path: Path) -> None:
    with pytest.raises(SizeError, match="32"):
        DataRequest(31, 64)
    with pytest.raises(UsageError, match="frames"):
        DataRequest(frames=0)
    with pytest.raises(UnknownNameError, match="did you mean 'layered'"):
        parse_sources("layerd")
    with pytest.raises(InputError, match="no manifest"):
        read_manifest(tmp_path)
