"""An input that nothing reads stays an input."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bokehflow.export.openvino_passes.inputs import with_every_input


def graph(*names: str) -> onnx.ModelProto:
    """The first input doubled; the others are there for nobody."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in names]
    output = helper.make_tensor_value_info("twice", TensorProto.FLOAT, [1, 3])
    node = helper.make_node("Add", [names[-1], names[-1]], ["twice"])
    made = helper.make_graph([node], "g", inputs, [output])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("names", [("used",), ("unread", "used")])
def test_every_input_is_there_in_order_also_after_it_was_saved(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    openvino = pytest.importorskip("openvino")
    proto = graph(*names)
    core = openvino.Core()
    model = with_every_input(
        core.read_model(io.BytesIO(proto.SerializeToString())), proto, openvino
    )
    openvino.save_model(model, tmp_path / "m.xml", compress_to_fp16=False)
    compiled = core.compile_model(tmp_path / "m.xml", "CPU")
    assert [each.get_any_name() for each in compiled.inputs] == list(names)
    values = np.arange(3, dtype=np.float32)[None]
    found = compiled(dict.fromkeys(names, values))["twice"]
    np.testing.assert_array_equal(found, 2.0 * values)
