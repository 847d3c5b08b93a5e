"""`bfx info`, `export` and `validate`: results, exit codes, plain errors, nothing left behind."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks import parity
from bokehflow.benchmarks.parity import ParityReport
from bokehflow.cli import interruption
from bokehflow.cli.interruption import Terminated
from bokehflow.errors import (
    ArtifactError,
    CheckError,
    MissingDependencyError,
    NumericalError,
    OutputError,
)
from bokehflow.export import Artifact, ExportConfig, Parity, load_artifact
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.export.graphs import Graphs
from bokehflow.runtimes import reference
from bokehflow.specs import VARIANTS
from bokehflow.weights import save_weights
from bokehflow.weights.initial import initial_network
from tests.cli.runner import Bfx
from tests.export.copies import copied, exported_otherwise

ENDINGS = pytest.mark.parametrize(
    ("ending", "exit_code", "told"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Terminated(signal.SIGTERM), 143, "ended by SIGTERM"),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)


def test_info_shows_the_count_beside_the_table(bfx: Bfx) -> None:
    document = bfx("info", "--variant", "nano", "--json").document
    assert document["table_parameters"] == 1_200_000
    assert abs(document["difference_percent"]) < 3.0
    assert document["state_bytes"] == 4 * (12 * 12 * 16 * 16 + 48 + 1)
    assert document["gflop_per_frame"]["mobile"]["counted"] > 0
    assert document["weights"]["trained"] is True
    assert {"onnxruntime", "onnxruntime-gpu"} <= set(document["runtimes"])


def test_a_variant_without_shipped_weights_is_called_untrained(bfx: Bfx) -> None:
    done = bfx("info", "--variant", "small", "--json")
    assert done.document["weights"]["trained"] is False
    assert "untrained" in done.stderr


def test_validate_reports_parity_and_remembers_it(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    copy = copied(artifacts["onnx"], tmp_path)
    done = bfx("validate", copy, "--json")
    assert done.exit_code == 0, done.stderr
    (row,) = done.document["artifacts"]
    assert row["passed"]
    assert min(row["bokeh_psnr_db"]) >= 80.0
    assert row["mode"] == "executed"
    assert "untrained" not in done.stderr
    again = bfx("validate", copy)
    assert "ok: worst frame" in again.stdout


def test_validate_says_evaluated_and_gives_no_time_for_it(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    if sys.platform == "darwin":
        pytest.skip("Core ML itself runs here")
    done = bfx("validate", copied(artifacts["coreml"], tmp_path))
    assert "coreml (evaluated)" in done.stdout
    assert "not run" in done.stdout


def test_a_missed_bar_is_exit_code_one(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    def raise_the_bar(facts: dict[str, Any]) -> None:
        facts["budget"]["parity_db"] = 199.0

    copy = exported_otherwise(artifacts["onnx"], tmp_path, raise_the_bar)
    done = bfx("validate", copy)
    assert done.exit_code == 1
    assert "FAILED" in done.stdout


def test_what_was_measured_is_shown_where_it_cannot_be_stored(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(artifact: Artifact, _parity: Parity) -> Artifact:
        if artifact.path == copies[0]:
            raise OutputError(f"{artifact.path} cannot be written", remedy="or elsewhere with -o")
        return artifact

    copies = [copied(artifacts[target], tmp_path) for target in ("onnx", "openvino")]
    monkeypatch.setattr(Artifact, "with_parity", fail)
    done = bfx("validate", *copies, "--frames", 1, "--json")
    assert done.exit_code == 2
    assert [row["passed"] for row in done.document["artifacts"]] == [True, True]
    assert f"{copies[0]} cannot be written; what was measured is not in" in done.stderr
    assert "-o" not in done.stderr.replace(str(tmp_path), "")


def test_what_was_found_of_others_is_shown_beside_an_artifact_that_fails(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(artifact: Artifact, *_: object) -> ParityReport:
        if artifact.path == copies[0]:
            raise NumericalError(f"{artifact.path}: 3 NaN", "finite values")
        if artifact.path == copies[1]:
            raise MissingDependencyError("openvino", "openvino", "running it")
        facts = (artifact.given, artifact.file_bytes, artifact.manifest, "coreml", "executed")
        return ParityReport(*facts, (90.0,), (90.0,), (90.0,), (1.0,), 50.0)

    copies = [copied(artifacts[target], tmp_path) for target in ("onnx", "openvino", "coreml")]
    before = Parity(2, 99.0, 99.0, "onnxruntime", "executed")
    for copy in copies:
        load_artifact(copy).with_parity(before)
    monkeypatch.setattr(parity, "check_parity", judge)
    monkeypatch.setattr(reference, "reference_session", lambda *_: None)
    done = bfx("validate", *copies, "--json")
    assert done.exit_code == 3
    rows = done.document["artifacts"]
    assert [row["passed"] for row in rows] == [False, False, True]
    assert "3 NaN" in rows[0]["status"]
    assert "pip install" in rows[1]["error"]["message"]
    assert rows[2]["error"] is None
    kept = [load_artifact(copy).manifest.parity for copy in copies]
    assert kept == [None, before, Parity(1, 90.0, 90.0, "coreml", "executed")]
    assert bfx("validate", *copies[::2]).exit_code == 1
    assert "3 NaN" in bfx("validate", copies[0]).require_plain_error(1)


@ENDINGS
def test_what_was_found_is_shown_when_it_is_interrupted_later(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: BaseException,
    exit_code: int,
    told: str,
) -> None:
    def judge(artifact: Artifact, *_: object) -> ParityReport:
        if artifact.path == copies[1]:
            raise ending
        facts = (artifact.given, artifact.file_bytes, artifact.manifest, "onnxruntime", "executed")
        return ParityReport(*facts, (90.0,), (90.0,), (90.0,), (1.0,), 80.0)

    copies = [copied(artifacts[target], tmp_path) for target in ("onnx", "openvino", "coreml")]
    monkeypatch.setattr(parity, "check_parity", judge)
    monkeypatch.setattr(reference, "reference_session", lambda *_: None)
    done = bfx("validate", *copies, "--json")
    assert done.exit_code == exit_code
    assert f"ended after 1 of 3 artifacts: {told}" in done.stderr
    assert [row["passed"] for row in done.document["artifacts"]] == [True]
    assert (done.document["ended"], done.document["passed"]) == (told, False)
    kept = load_artifact(copies[0]).manifest.parity
    assert kept == Parity(1, 90.0, 90.0, "onnxruntime", "executed")


def test_an_error_made_of_a_signal_is_no_row(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(artifact: Artifact, *_: object) -> ParityReport:
        if artifact.path == copies[0]:
            raise NumericalError("3 NaN")
        interruption._asked.append(KeyboardInterrupt())
        raise ArtifactError("the runtime cannot load it")

    copies = [copied(artifacts[target], tmp_path) for target in ("onnx", "openvino", "coreml")]
    monkeypatch.setattr(interruption, "_asked", [])
    monkeypatch.setattr(parity, "check_parity", judge)
    monkeypatch.setattr(reference, "reference_session", lambda *_: None)
    done = bfx("validate", *copies, "--json")
    assert done.exit_code == 130
    assert len(done.document["artifacts"]) == 1
    assert "ended after 1 of 3 artifacts: interrupted" in done.stderr


def test_what_was_found_is_shown_when_there_is_no_place_to_work_in_later(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(artifact: Artifact, *_: object) -> ParityReport:
        if artifact.path == copies[1]:
            raise OutputError("the temporary folder is full")
        raise NumericalError("3 NaN")

    copies = [copied(artifacts[target], tmp_path) for target in ("onnx", "openvino", "coreml")]
    monkeypatch.setattr(parity, "check_parity", judge)
    monkeypatch.setattr(reference, "reference_session", lambda *_: None)
    done = bfx("validate", *copies, "--json")
    assert done.exit_code == 2
    assert "ended after 1 of 3 artifacts: the temporary folder is full" in done.stderr
    assert ["3 NaN" in row["status"] for row in done.document["artifacts"]] == [True]


def test_an_artifact_that_cannot_be_opened_is_a_row_beside_one_that_can(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    whole = copied(artifacts["onnx"], tmp_path)
    copy = copied(artifacts["openvino"], tmp_path)
    manifest_path(copy).write_text("{")
    absent = tmp_path / "none.onnx"
    done = bfx("validate", absent, copy, whole, "--frames", 1, "--json")
    assert done.exit_code == 2
    rows = done.document["artifacts"]
    assert [row["passed"] for row in rows] == [False, False, True]
    assert [row["target"] for row in rows] == [None, None, "onnx"]
    assert "no artifact at" in rows[0]["error"]["message"]
    assert "is not a manifest" in bfx("validate", absent, copy).stdout


def test_weights_that_do_not_fit_cost_no_other_row(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    whole = copied(artifacts["onnx"], tmp_path)
    odd = exported_otherwise(
        artifacts["onnx"], tmp_path, lambda facts: facts.update(weights_sha256="0" * 64)
    )
    done = bfx("validate", whole, odd, "--frames", 1, "--json")
    assert done.exit_code == 2
    rows = done.document["artifacts"]
    assert [row["passed"] for row in rows] == [True, False]
    assert "exported from weights 000000000000" in rows[1]["error"]["message"]


def test_what_was_exported_is_shown_beside_a_target_that_fails(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: object) -> Iterator[Artifact]:
        yield artifacts["onnx"]
        raise CheckError("the compiled graph has 3 loops")

    monkeypatch.setattr("bokehflow.export.export_each", make)
    done = bfx("export", "--target", "all", "-o", tmp_path, "--json")
    assert done.exit_code == 1
    assert [row["target"] for row in done.document["artifacts"]] == ["onnx"]
    assert "3 loops" in done.document["ended"]
    assert "ended after 1 of 3 targets: the compiled graph" in done.stderr


@ENDINGS
def test_what_was_exported_is_shown_when_it_is_interrupted_later(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: BaseException,
    exit_code: int,
    told: str,
) -> None:
    def make(*_: object) -> Iterator[Artifact]:
        yield artifacts["onnx"]
        raise ending

    monkeypatch.setattr("bokehflow.export.export_each", make)
    done = bfx("export", "--target", "all", "-o", tmp_path, "--json")
    assert done.exit_code == exit_code
    assert [row["path"] for row in done.document["artifacts"]] == [str(artifacts["onnx"].path)]
    assert done.document["ended"] == told
    assert f"ended after 1 of 3 targets: {told}" in done.stderr


def test_packages_of_all_targets_are_looked_for_before_the_first_is_exported(
    bfx: Bfx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "coremltools", None)
    monkeypatch.setattr(Graphs, "onnx_graph", lambda *_: pytest.fail("a graph was made"))
    done = bfx("export", "--target", "all", "-o", tmp_path)
    assert "pip install 'bokehflow[coreml]'" in done.require_plain_error(3)
    monkeypatch.setitem(sys.modules, "openvino", None)
    line = bfx("export", "--target", "all", "-o", tmp_path).require_plain_error(3)
    assert "to openvino and coreml needs the packages 'openvino' and 'coremltools'" in line
    assert "pip install 'bokehflow[openvino,coreml]'" in line


def test_an_artifact_of_other_settings_is_told_before_any_target_is_exported(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copied(artifacts["coreml"], tmp_path)
    monkeypatch.setattr(Graphs, "onnx_graph", lambda *_: pytest.fail("a graph was made"))
    same = ("export", "--target", "all", "--size", "96x160", "--network-size", "full")
    line = bfx(*same, "--quality", "best", "-o", tmp_path).require_plain_error(2)
    assert f"{copy} has render.quality mobile; expected best" in line
    assert load_artifact(copy)


@pytest.mark.parametrize("retrained", [True, False])
def test_an_export_of_other_weights_replaces_and_says_so(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    retrained: bool,
) -> None:
    old = copied(artifacts["onnx"], tmp_path)
    if retrained:
        facts = json.loads(manifest_path(old).read_text())
        manifest_path(old).write_text(json.dumps(facts | {"weights_sha256": "1" * 64}))

    def make(*_: object) -> Iterator[Artifact]:
        yield Artifact(old, artifacts["onnx"].manifest)

    monkeypatch.setattr("bokehflow.export.export_each", make)
    same = ("export", "--target", "onnx", "--size", "96x160", "--network-size", "full")
    done = bfx(*same, "-o", tmp_path)
    assert done.exit_code == 0
    told = f"warning: {old} replaced one of other weights (111111111111..., now "
    assert (told in done.stderr) == retrained


def test_a_changed_artifact_is_one_plain_error(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    copy = copied(artifacts["onnx"], tmp_path)
    with copy.open("ab") as file:
        file.write(b"more")
    assert "SHA-256" in bfx("validate", copy).require_plain_error(2)
    assert "bfx export" in bfx("validate", tmp_path / "none.onnx").require_plain_error(2)


def test_weights_of_another_variant_are_refused(bfx: Bfx, tmp_path: Path) -> None:
    path = tmp_path / "nano.safetensors"
    tensors = initial_network(VARIANTS["nano"]).state_dict()
    save_weights(path, tensors, "nano", trained=False, fov_deg=60.0)
    done = bfx(
        "export",
        "--target",
        "onnx",
        "--variant",
        "small",
        "--weights",
        path,
        "-o",
        tmp_path / "out",
    )
    assert "choose the variant nano" in done.require_plain_error(2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "onx"], "did you mean 'onnx'"),
        (["--target", "onnx", "--variant", "nan"], "did you mean 'nano'"),
        (["--target", "onnx", "--size", "720p"], "HEIGHTxWIDTH"),
        (["--target", "onnx", "--size", "722x1280", "--network-size", "full"], "multiple of 4"),
        (
            ["--target", "onnx", "--size", "96x160", "--network-size", "288x512"],
            "at most the frame",
        ),
        (["--target", "onnx", "--precision", "fp16"], "fp16 for onnx"),
        (["--target", "onnx", "--scan", "triton"], "unknown scan lowering"),
        (["--target", "onnx", "--quality", "great"], "unknown quality"),
        (["--target", "onnx", "--blades", "2"], "blades=2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_requests_are_refused(
    bfx: Bfx, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = bfx("export", *arguments, "-o", tmp_path / "out")
    assert message in done.require_plain_error(2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused(bfx: Bfx, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = bfx("export", "--target", "onnx", "-o", tmp_path / "file" / "out")
    assert "cannot be written" in done.require_plain_error(2)


@pytest.mark.parametrize(
    ("target", "package", "line"),
    [
        ("coreml", "coremltools", "pip install 'bokehflow[coreml]'"),
        ("openvino", "openvino", "pip install 'bokehflow[openvino]'"),
        ("onnx", "onnxruntime", "pip install onnxruntime"),
    ],
)
def test_a_missing_extra_is_exit_code_three_with_the_line_that_installs_it(
    bfx: Bfx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, package: str, line: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    done = bfx("export", "--target", target, "-o", tmp_path / "out", "--size", "32x48",
               "--network-size", "full")  # fmt: skip
    assert line in done.require_plain_error(3)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "network"),
    [(["--size", "640x480"], "512x384"), (["--size", "480x720", "--tsp", "cold"], "336x512")],
)
def test_the_network_sees_a_frame_in_its_own_shape(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch, arguments: list[str], network: str
) -> None:
    asked: list[ExportConfig] = []

    def note(_model: object, configs: Sequence[ExportConfig], _folder: Path) -> object:
        asked.extend(configs)
        return [], None

    monkeypatch.setattr("bokehflow.cli.export._export_each", note)
    assert bfx("export", "--target", "onnx", *arguments).exit_code == 0
    assert [str(config.network_size) for config in asked] == [network]
