"""The models that the suite makes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import openvino

from bokehflow.benchmarks.suite.cases import ModelSpec, auto_scan
from bokehflow.benchmarks.suite.models import made_model
from bokehflow.export.openvino_file import MODEL_FILE
from bokehflow.specs import Size

TINY = Size(64, 96)


def kinds(folder: Path) -> Counter[str]:
    """Operations of an OpenVINO model by kind."""
    model = openvino.Core().read_model(str(folder / MODEL_FILE))
    return Counter(node.get_type_name() for node in model.get_ops())


def test_a_floor_is_made_as_its_artifact_is(tmp_path: Path) -> None:
    scan = auto_scan("openvino")
    whole = kinds(made_model(ModelSpec("artifact", "openvino", scan, TINY, TINY), tmp_path).path)
    made = made_model(ModelSpec("floor", "openvino", "none", TINY, TINY), tmp_path)
    floor = kinds(made.path)
    assert made.nodes is None
    # What reading an ONNX file leaves, and the passes behind it take away.
    assert not {"ShapeOf", "Range"} & set(floor)
    assert set(floor) - set(whole) <= {"Squeeze"}
    # Of the renderer, which has all of these, nothing differs.
    for kind in ("Convolution", "GroupConvolution", "Tile", "MaxPool", "Slice", "VariadicSplit"):
        assert floor[kind] == whole[kind]


def test_that_of_onnx_has_a_file_of_its_own(tmp_path: Path) -> None:
    made = made_model(ModelSpec("floor", "onnx", "none", TINY, TINY), tmp_path)
    assert made.nodes == len(onnx.load(str(made.path)).graph.node)
