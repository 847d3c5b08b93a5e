"""A lowering is obeyed or refused, and what an engine compiles is what was meant."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from bokehflow.errors import CheckError, OutputError, UnknownNameError, UsageError
from bokehflow.export import Artifact, ExportConfig, as_target
from bokehflow.export.compiled import check_compiled
from bokehflow.export.floor import scan_free_onnx
from bokehflow.export.lowering.choice import find_lowering
from bokehflow.export.lowering.mixers import FusedScan
from bokehflow.model import load_model
from bokehflow.specs import Size


@pytest.mark.parametrize(
    ("target", "scan"), [("coreml", "linear_attention"), ("onnx", "gated_delta_net")]
)
def test_a_scan_that_a_target_has_not_is_refused(target: str, scan: str) -> None:
    with pytest.raises(UsageError, match="auto or"):
        ExportConfig(target, scan=scan)  # type: ignore[arg-type]


def test_no_scan_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(UnknownNameError):
        ExportConfig("onnx", scan="none")


@pytest.mark.parametrize(("name", "large"), [("onnx", 4), ("openvino", 2)])
def test_onnx_runtime_scans_one_by_one_where_maps_are_large(name: str, large: int) -> None:
    target, full_hd = as_target(name), Size(1080, 1920)
    assert ExportConfig(target, full_hd).lowering.operators_a_layer == 2
    assert ExportConfig(target, full_hd, full_hd).lowering.operators_a_layer == large
    chunked = ExportConfig(target, full_hd, full_hd, scan="chunked").lowering
    assert chunked == find_lowering("chunked", target)


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_graph_with_too_few_fused_scans_is_refused(
    artifacts: dict[str, Artifact], target: str
) -> None:
    lowering, path = find_lowering("auto", target), artifacts[target].path
    check_compiled(target, path, lowering, layers=6)
    found = 6 * lowering.operators_a_layer
    with pytest.raises(CheckError, match=f"{found} {lowering.operator} and 0 loops"):
        check_compiled(target, path, lowering, layers=7)


def test_a_graph_that_openvino_refuses_is_a_failed_check(tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text("<net/>")
    lowering = find_lowering("gated_delta_net", "openvino")
    with pytest.raises(
        CheckError, match=r"refuses the graph \((?!Exception from).+; .*--scan chunked"
    ):
        check_compiled("openvino", tmp_path, lowering, layers=6)


@pytest.mark.parametrize("full", [True, False])
def test_a_full_disk_is_told_apart_from_what_the_engine_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    def fails(*_: object) -> None:
        # As ONNX Runtime does where it cannot write, without a reason.
        raise RuntimeError("Protobuf serialization failed.")

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path, lowering = tmp_path / "a.onnx", find_lowering("linear_attention", "onnx")
    path.write_bytes(b"x" * 10)
    monkeypatch.setattr(onnxruntime, "InferenceSession", fails)
    if full:
        monkeypatch.setattr(Path, "write_bytes", no_room)
    with pytest.raises(OutputError if full else CheckError, match="TMPDIR" if full else "failed"):
        check_compiled("onnx", path, lowering, layers=6)


def test_the_floor_has_everything_but_scans() -> None:
    size = Size(32, 48)
    floor = scan_free_onnx(load_model("nano"), ExportConfig("onnx", size, size))
    assert not {node.op_type for node in floor.graph.node} & {"LinearAttention", "Gather"}
    session = onnxruntime.InferenceSession(floor.SerializeToString())
    feeds = {x.name: np.full(x.shape, 0.5, np.float32) for x in session.get_inputs()}
    bokeh = session.run(["bokeh"], {**feeds, "lens": np.array([[50, 1.8, 1.5, 36]], np.float32)})[0]
    assert np.isfinite(bokeh).all()
    # Nothing that the scans read was left out as unused.
    weights = {tensor.name for tensor in floor.graph.initializer}
    assert sum(".scan.project." in name for name in weights) == 6 * 5 * len(FusedScan().groups)
