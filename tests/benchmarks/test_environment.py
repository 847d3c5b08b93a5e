"""What result files say about the place where they were measured."""

from __future__ import annotations

import importlib.metadata
import sys
import types

import pytest
import torch

from bokehflow.benchmarks.environment import describe_environment


def test_versions_are_those_of_the_modules_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    other = types.ModuleType("triton")
    other.__version__ = "99.9"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton", other)
    found = describe_environment(["torch", "triton", "pytest-xdist", "no-such-package"])["packages"]
    assert found == {
        "torch": torch.__version__,
        "triton": "99.9",
        "pytest-xdist": importlib.metadata.version("pytest-xdist"),
        "no-such-package": None,
    }
