"""`bfx benchmark` on this machine: the record, exit codes, plain errors, interruptions."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import onnx
import pytest

from bokehflow.benchmarks.latency import bench, record
from bokehflow.benchmarks.latency.answers import Answer, Machine
from bokehflow.benchmarks.latency.runner.host import describe_host
from bokehflow.cli.interruption import Terminated
from bokehflow.export import Artifact, load_artifact
from bokehflow.export.artifacts.artifact import seal
from bokehflow.export.artifacts.naming import manifest_path, record_path
from bokehflow.export.artifacts.packing import pack
from tests.benchmarks.latency.stand_ins import CRASHES, SLEEPS, hidden, stand_in
from tests.benchmarks.latency.watching import gone, until
from tests.cli.runner import Bfx
from tests.export.copies import copied

ANY_RUNTIME = ("--iterations", "2", "--warmup", "0")
QUICK = (*ANY_RUNTIME, "--threads", "1")
MOST_NOT_ATTRIBUTED = 0.15
"""Of a frame's profiled time; what optimisers name after nothing."""


def schema() -> object:
    return json.loads((Path(record.__file__).parent / "record.schema.json").read_text())


def test_every_format_has_a_row_that_keeps_the_schema(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    output = tmp_path / "record.json"
    paths = [artifact.path for artifact in artifacts.values()]
    done = bfx("benchmark", *paths, *ANY_RUNTIME, "-o", output, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(output.read_text()) == done.document
    jsonschema.validate(done.document, schema())
    rows = {row["artifact"]["target"]: row for row in done.document["rows"]}
    for target in ("onnx", "openvino"):
        row = rows[target]
        assert row["status"] == "ok"
        assert row["times"]["frames"] == 2
        assert row["memory"]["device_peak_kind"] is None
        assert row["times"]["p50_ms"] <= row["times"]["p99_ms"]
        assert 0 < row["memory"]["model_peak_bytes"] < row["memory"]["process_peak_bytes"]
        shares = {stage["stage"]: stage["share"] for stage in row["stages"]["by_stage"]}
        assert sum(shares.values()) == pytest.approx(1.0)
        assert shares["scans"] > shares["depth upsampling"] > 0
        assert shares["not attributed"] < MOST_NOT_ATTRIBUTED
    if sys.platform != "darwin":
        assert rows["coreml"]["status"] == "not run"
        assert rows["coreml"]["times"] is None


def test_torch_is_the_model_behind_an_artifact(bfx: Bfx, artifacts: dict[str, Artifact]) -> None:
    done = bfx("benchmark", artifacts["onnx"].path, *QUICK, "--runtime", "torch",
               "--runtime-arg", "scan=chunked")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "torch 2." in done.stdout
    assert "depth upsampling" in done.stdout


def test_an_artifact_that_became_another_meanwhile_has_no_row(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / artifacts["onnx"].path.name
    for file in (artifacts["onnx"].path, manifest_path(artifacts["onnx"].path)):
        shutil.copy(file, tmp_path)

    def measure(*_: object) -> object:
        model = onnx.load(path)
        model.doc_string = "another"
        onnx.save(model, path)
        return Answer("failed", "bad weather", Machine(**describe_host()))

    monkeypatch.setattr(bench, "measure", measure)
    done = bfx("benchmark", path, "--json")
    assert done.exit_code not in (0, 1)
    assert "has changed" in done.stderr


def test_a_crash_is_a_row_and_the_next_artifact_still_runs(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", CRASHES)))
    done = bfx("benchmark", artifacts["onnx"].path, artifacts["openvino"].path, *QUICK,
               "--no-stages", "--json")  # fmt: skip
    assert done.exit_code == 1
    assert [row["status"] for row in done.document["rows"]] == ["crashed", "ok"]
    jsonschema.validate(done.document, schema())


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_file_that_does_not_load_is_a_row(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, target: str
) -> None:
    path = tmp_path / artifacts[target].path.name

    def write(place: Path) -> None:
        if target == "onnx":
            place.write_bytes(artifacts[target].path.read_bytes()[:-100_000])
        else:
            place.mkdir()
            (place / "model.xml").write_text("<net")

    seal(path, artifacts[target].manifest, write)
    done = bfx("benchmark", path, *QUICK, "--json")
    assert done.exit_code == 1, done.stderr
    (row,) = done.document["rows"]
    assert (row["status"], row["stages"]) == ("failed", None)


def test_a_missing_runtime_is_exit_code_three_with_the_line_that_installs_it(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stand_in(tmp_path / "path", hidden("onnxruntime"), "sitecustomize")
    monkeypatch.setenv("PYTHONPATH", str(path))
    packed = tmp_path / "packed.zip"
    pack(artifacts["onnx"].path, packed)
    done = bfx("benchmark", artifacts["onnx"].path, packed)
    assert "pip install onnxruntime" in done.require_plain_error(3)


@pytest.mark.parametrize("order", [("openvino", "onnx"), ("onnx", "openvino")], ids="-".join)
def test_a_missing_runtime_is_a_row_and_the_others_still_run(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    order: tuple[str, str],
) -> None:
    path = stand_in(tmp_path / "path", hidden("onnxruntime"), "sitecustomize")
    monkeypatch.setenv("PYTHONPATH", str(path))
    record = tmp_path / "record.json"
    paths = [artifacts[target].path for target in order]
    done = bfx("benchmark", *paths, *QUICK, "--no-stages", "-o", record)
    assert done.exit_code == 3
    assert "pip install onnxruntime" in done.stdout
    document = json.loads(record.read_text())
    rows = {row["artifact"]["target"]: row for row in document["rows"]}
    assert tuple(rows) == order
    assert (rows["openvino"]["status"], rows["openvino"]["missing"]) == ("ok", [])
    assert (rows["onnx"]["status"], rows["onnx"]["missing"]) == ("not run", ["onnxruntime"])
    assert (document["ended"], document["passed"]) == (None, False)
    jsonschema.validate(document, schema())


@pytest.mark.parametrize(
    ("ending", "exit_code", "told"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Terminated(signal.SIGTERM), 143, "ended by SIGTERM"),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_what_was_measured_is_kept_when_it_is_interrupted_later(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: BaseException,
    exit_code: int,
    told: str,
) -> None:
    answers = iter([Answer("failed", "bad weather", Machine(**describe_host()))])

    def measure(*_: object) -> object:
        answer = next(answers, None)
        if answer is None:
            raise ending
        return answer

    monkeypatch.setattr(bench, "measure", measure)
    record = tmp_path / "record.json"
    paths = [artifacts[target].path for target in ("onnx", "openvino")]
    done = bfx("benchmark", *paths, "-o", record, "--json")
    assert done.exit_code == exit_code
    assert f"ended after 1 of 2 artifacts: {told}" in done.stderr
    assert json.loads(record.read_text()) == done.document
    assert (done.document["ended"], done.document["passed"]) == (told, False)
    jsonschema.validate(done.document, schema())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"target": "onnx"', '"target": "tflite"'),
        ('"parity_db"', '"parity"'),
        ('"lowering"', '"lowered"'),
    ],
)
def test_a_manifest_that_lacks_something_is_refused(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, before: str, after: str
) -> None:
    copy = Path(shutil.copy(artifacts["onnx"].path, tmp_path))
    text = manifest_path(artifacts["onnx"].path).read_text()
    assert before in text
    manifest_path(copy).write_text(text.replace(before, after))
    assert "not a whole manifest" in bfx("benchmark", copy).require_plain_error(2)


def test_an_unknown_schema_version_is_refused(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    copy = Path(shutil.copy(artifacts["onnx"].path, tmp_path))
    text = manifest_path(artifacts["onnx"].path).read_text()
    version = f'"schema_version": {artifacts["onnx"].manifest.schema_version}'
    manifest_path(copy).write_text(text.replace(version, '"schema_version": 99'))
    assert "schema version 99" in bfx("benchmark", copy).require_plain_error(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runtime", "openvino"], "'openvino' for a onnx artifact"),
        (["--runtime", "onnxrt"], "did you mean 'onnxruntime'"),
        (["--runtime-arg", "precision=bf16"], "one of provider, memory_arena"),
        (["--runtime-arg", "provider"], "KEY=VALUE"),
        (["--device", "pi@host"], "ssh://USER@HOST"),
        (["--device", "ssh://-oProxyCommand=x"], "ssh://USER@HOST"),
        (["--device", "ssh://a:b@host"], "use a key"),
        (["--identity", "key"], "--identity without --device"),
        (["--device-python", "python3"], "--device-python without --device"),
        (["--device", "ssh://host", "--identity", "/none"], "not a file"),
        (["-o", "/none/record.json"], "cannot be written"),
        (["--timeout", "inf"], "timeout_s=inf"),
        (["--threads", "2", "{coreml}"], "--threads 2 for coreml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_requests_are_refused(
    bfx: Bfx, artifacts: dict[str, Artifact], arguments: list[str], message: str
) -> None:
    arguments = [argument.format(coreml=artifacts["coreml"].path) for argument in arguments]
    done = bfx("benchmark", artifacts["onnx"].path, *arguments)
    assert message in done.require_plain_error(2)


@pytest.mark.parametrize(
    "output",
    ["{}", "{}.json", "{}.quantization.json", "link.json", "{}/model.xml", "{}/new.json"],
)
def test_a_record_is_not_written_over_an_artifact(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, output: str
) -> None:
    copy = copied(artifacts["openvino" if "/" in output else "onnx"], tmp_path)
    (tmp_path / "link.json").hardlink_to(manifest_path(copy))
    record_path(copy).touch()
    line = bfx("benchmark", copy, *QUICK, "-o", tmp_path / output.format(copy.name))
    assert f"would write over {copy}" in line.require_plain_error(2)
    assert load_artifact(copy).path == copy


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL],
                         ids=lambda number: number.name)  # fmt: skip
def test_an_interruption_leaves_nothing_behind(
    artifacts: dict[str, Artifact], tmp_path: Path, ending: signal.Signals
) -> None:
    room, path = tmp_path / "room", stand_in(tmp_path / "path", SLEEPS)
    room.mkdir()
    environment = {**os.environ, "TMPDIR": str(room), "PYTHONPATH": str(path)}
    command = [sys.executable, "-m", "bokehflow.cli.main", "benchmark", artifacts["onnx"].path]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    runner = int(until((path / "pid").read_text))
    process.send_signal(ending)
    process.communicate()
    assert process.returncode in (130, 128 + ending, -ending)
    until(lambda: gone(runner) and not list(room.iterdir()))
