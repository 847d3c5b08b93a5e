"""What a benchmark may be asked to do."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bokehflow.benchmarks.latency.runner.requirements import MODULES
from bokehflow.benchmarks.latency.settings import (
    ARGUMENTS,
    Settings,
    check_arguments,
    check_threads,
    choose_runtime,
    parse_arguments,
)
from bokehflow.errors import BokehFlowError, UnknownNameError, UsageError


def test_pairs_become_a_mapping() -> None:
    assert parse_arguments(["precision=bf16", "device=GPU.0"]) == {
        "precision": "bf16",
        "device": "GPU.0",
    }


@pytest.mark.parametrize("pairs", [["precision"], ["=bf16"], ["a="], ["a=1", "a=2"]], ids=str)
def test_other_forms_are_refused(pairs: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_arguments(pairs)


def test_unknown_keys_and_values_are_refused_with_the_list_there_is() -> None:
    with pytest.raises(UnknownNameError, match="one of provider, memory_arena"):
        check_arguments("onnxruntime", {"providr": "x"})
    with pytest.raises(UnknownNameError, match="one of fp32, bf16, fp16"):
        check_arguments("openvino", {"precision": "int3"})
    check_arguments("openvino", {"device": "GPU.1", "precision": "bf16"})


def test_threads_are_refused_where_they_would_change_nothing() -> None:
    check_threads("coreml", None)
    check_threads("onnxruntime", 2)
    with pytest.raises(UsageError, match=r"--threads 2 for coreml.*no --threads"):
        check_threads("coreml", 2)


@pytest.mark.parametrize(
    ("target", "asked", "chosen"),
    [("onnx", None, "onnxruntime"), ("coreml", None, "coreml"), ("openvino", "torch", "torch")],
)
def test_an_artifact_runs_in_its_runtime_or_as_the_model_behind_it(
    target: str, asked: str | None, chosen: str
) -> None:
    assert choose_runtime(target, asked) == chosen


@pytest.mark.parametrize("asked", ["openvino", "tensorrt"])
def test_other_runtimes_are_refused(asked: str) -> None:
    with pytest.raises(UsageError):
        choose_runtime("onnx", asked)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iterations": 0},
        {"threads": 0},
        {"threads": 100_000},
        {"timeout_s": 0.5},
        {"timeout_s": 1e300},
        {"timeout_s": math.nan},
    ],
    ids=str,
)
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BokehFlowError):
        Settings(**wrong)


def test_every_runtime_has_arguments_and_requirements() -> None:
    assert set(ARGUMENTS) == set(MODULES)
