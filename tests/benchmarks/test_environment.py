"""What result files say about the place where they were measured."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

from bokehflow.benchmarks import environment
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.latency.runner.host import describe_host


def test_a_copy_in_another_repository_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*command: str) -> None:
        own = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run([*own, *command], check=True)

    copy = tmp_path / "environment.py"
    copy.write_bytes(Path(environment.__file__).read_bytes())
    monkeypatch.setattr(environment, "__file__", str(copy))
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    assert describe_environment([])["commit"] is None
    git("add", copy.name)
    git("commit", "-q", "-m", "a source of theirs")
    assert re.fullmatch(r"[0-9a-f]{40}", str(describe_environment([])["commit"]))
    copy.write_bytes(b"")
    assert re.fullmatch(r"[0-9a-f]{40}\+", str(describe_environment([])["commit"]))


def test_a_machine_is_described_in_one_way() -> None:
    assert describe_host().items() <= describe_environment([]).items()


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
