"""Activations are written in the form that engines recognise, and are what they are called."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.to_onnx import to_onnx
from tests.tolerances import FP32_EQUAL


class Activations(nn.Module):
    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return F.gelu(x, approximate=self.approximate), F.softplus(x)


def exported(module: nn.Module, x: Tensor) -> bytes:
    program = torch.export.export(module, (x,))
    return to_onnx(program, ["gelu", "softplus"]).SerializeToString()


def test_each_activation_is_one_operation_of_onnx_runtime(tmp_path: Path) -> None:
    x = torch.linspace(-30.0, 30.0, 601)[None]
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        exported(Activations(), x), options, ["CPUExecutionProvider"]
    )
    gelu, softplus = session.run(None, {"x": x.numpy()})
    exact = x.double()
    np.testing.assert_allclose(gelu, F.gelu(exact), atol=FP32_EQUAL, rtol=FP32_EQUAL)
    np.testing.assert_allclose(softplus, F.softplus(exact), atol=FP32_EQUAL, rtol=FP32_EQUAL)
    kinds = sorted(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)
    assert kinds == ["Gelu", "Softplus"]


def test_a_gelu_that_is_approximated_is_refused() -> None:
    with pytest.raises(Exception, match="approximate='tanh'"):
        exported(Activations("tanh"), torch.zeros(1, 4))
