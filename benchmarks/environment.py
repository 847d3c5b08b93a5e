"""Where a measurement was taken: machine, versions and commit, for every result file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from bokehflow.benchmarks.latency.runner.host import describe_host
from bokehflow.installed import installed_version


def describe_environment(packages: Sequence[str]) -> dict[str, object]:
    """The machine as rows of a benchmark describe it, PyTorch's threads, package versions and
    commit; None for what is unknown."""
    return {
        **describe_host(),
        "torch_threads": torch.get_num_threads(),
        "packages": {name: _version(name) for name in packages},
        "commit": _commit(),
    }


def _version(name: str) -> str | None:
    """Of the module that runs, which can be another than the installed package; else of that."""
    running = getattr(sys.modules.get(name.replace("-", "_")), "__version__", None)
    if isinstance(running, str):
        return running
    return installed_version(name)


def _commit() -> str | None:
    """The commit of the source tree that this file is part of, with "+" if tracked files were
    changed. An installed copy has none, in whatever repository its folder lies."""
    file = Path(__file__).resolve()
    git = ["git", "-C", str(file.parent)]
    try:
        tracked = subprocess.run([*git, "ls-files", "--error-unmatch", file.name],
                                 capture_output=True)  # fmt: skip
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return None
    if head.returncode != 0 or tracked.returncode != 0:
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
