"""Errors on their way from a worker process to the user."""

import pickle

import pytest

from bokehflow.errors import BokehFlowError, InputError, MissingDependencyError, UnknownNameError


@pytest.mark.parametrize(
    "error",
    [
        InputError("a file of 3 bytes", "a clip", "make it again"),
        UnknownNameError("target", "onx", ("onnx", "openvino")),
        MissingDependencyError("mitsuba", "data", "tracing rooms"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_it_was_raised(error: BokehFlowError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert (arrived.found, arrived.expected, arrived.remedy) == (
        error.found,
        error.expected,
        error.remedy,
    )
    assert arrived.exit_code == error.exit_code
