"""Where a benchmark runs: this machine, or one that is reached through a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bokehflow.errors import BokehFlowError, MissingDependencyError, OutputError

EXTRAS = {"openvino": "openvino", "coremltools": "coreml", "numba": "train", "triton": "cuda"}
"""What brings the packages of the runner here; the others come with BokehFlow."""


class Host(Protocol):
    """A machine on which Python can be started with its standard streams in our hands."""

    @property
    def name(self) -> str:
        """How messages and records call it."""
        ...

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command here that runs Python there with these arguments."""
        ...

    def failure(self, exit_code: int, said: str) -> BokehFlowError:
        """What it means that the command ended so, without an answer. said: standard error."""
        ...

    def missing(self, packages: Sequence[str]) -> MissingDependencyError:
        """What it means that the machine lacks packages."""
        ...


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The machine and the Python that this process runs in."""

    name: str = "this machine"

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Python itself."""
        return [sys.executable, *arguments]

    def failure(self, exit_code: int, said: str) -> BokehFlowError:
        """The runner could not even start."""
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        return OutputError(f"the benchmark's runner ended with code {exit_code}: {last[0]}")

    def missing(self, packages: Sequence[str]) -> MissingDependencyError:
        """By the extras that bring them."""
        brought = {name: EXTRAS.get(name) for name in packages}
        return MissingDependencyError.of_several(brought, f"benchmarking on {self.name}")
