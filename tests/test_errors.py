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
        MissingDependencyError("libLLVM.so", None, "tracing rooms", "apt-get install libllvm19"),
    ],
    ids=["plain", "unknown-name", "extra", "apt"],
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
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize(
    ("extra", "remedy", "said"),
    [
        ("data", "", "pip install 'bokehflow[data]'"),
        (None, "", "pip install thing"),
        (None, "apt-get install thing", "apt-get install thing"),
    ],
    ids=["extra", "package", "other"],
)
def test_what_is_missing_comes_with_its_install_line(
    extra: str | None, remedy: str, said: str
) -> None:
    error = MissingDependencyError("thing", extra, "tracing", remedy)
    assert error.remedy == said
    assert str(error) == f"tracing needs the package 'thing', which is not installed; {said}"


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ({"one": "a", "other": "b"}, "pip install 'bokehflow[a,b]'"),
        ({"one": "a", "other": "a"}, "pip install 'bokehflow[a]'"),
        ({"one": None, "other": "b"}, "pip install 'bokehflow[b]' one"),
        ({"one": None, "other": None}, "pip install one other"),
    ],
    ids=["extras", "extra", "extra-and-package", "packages"],
)
def test_what_is_missing_at_once_is_told_at_once(
    packages: dict[str, str | None], said: str
) -> None:
    error = MissingDependencyError.of_several(packages, "tracing")
    assert error.packages == packages
    told = "tracing needs the packages 'one' and 'other', which are not installed"
    assert str(error) == f"{told}; {said}"
