"""The targets, and what holds for every artifact of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from bokehflow.errors import UnknownNameError

Target = Literal["onnx", "openvino", "coreml"]
Precision = Literal["fp32", "fp16"]

OPSET = 18
"""From 19 on ONNX Runtime's AveragePool is a plain loop, six times slower on the renderer's."""
DEPLOYMENT_TARGET = "iOS17"
"""The oldest system that has 8-bit activations; nothing the model needs came later."""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """ending: of artifacts' names. is_folder: whether an artifact is a folder, not a file.
    precisions: those that it can be exported in, its own first. format: what manifests say of it.
    """

    ending: str
    is_folder: bool
    precisions: tuple[Precision, ...]
    format: Mapping[str, Any]

    @property
    def own_precision(self) -> Precision:
        """That of an export that asks for none."""
        return self.precisions[0]


TARGET_FACTS: Mapping[str, TargetFacts] = {
    # Half precision is refused, not approximated: ONNX Runtime's CPU kernels would run it in single
    # precision behind casts.
    "onnx": TargetFacts(".onnx", False, ("fp32",), {"opset": OPSET}),
    "openvino": TargetFacts("_openvino", True, ("fp32", "fp16"), {"onnx_opset": OPSET, "ir": 11}),
    "coreml": TargetFacts(
        ".mlpackage", True, ("fp16", "fp32"), {"deployment_target": DEPLOYMENT_TARGET}
    ),
}
TARGETS = tuple(TARGET_FACTS)


def as_target(name: str) -> Target:
    """The target of that name. Raises UnknownNameError with the nearest name."""
    if name not in TARGETS:
        raise UnknownNameError("target", name, (*TARGETS, "all"))
    return cast(Target, name)
