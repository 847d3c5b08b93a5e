"""Core ML: predictions by the system on macOS; elsewhere the package's ML Program, evaluated."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.engines.reason import reason_of
from bokehflow.errors import ArtifactError
from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.mil_evaluator import Evaluator, Program, read_package
from bokehflow.runtimes.session import SessionInfo

_COMPUTE_UNITS = "ALL"
"""Core ML itself chooses between CPU, GPU and Neural Engine, as it does for an app that says
nothing. The evaluator has only the CPU."""


class CoreMLSession:
    """A saved .mlpackage, executed by Core ML on macOS and evaluated anywhere else."""

    def __init__(self, path: Path) -> None:
        """Raises ArtifactError for a package that cannot be read, that holds an operation unknown
        to the evaluator, or that keeps state inside (sessions keep none), and
        MissingDependencyError without coremltools."""
        program = read_package(path)
        if program.states:
            raise ArtifactError(
                f"{path} keeps {len(program.states)} states inside",
                "state as inputs and outputs",
                "export it with bfx",
            )
        on_macos = sys.platform == "darwin"
        self._engine: _Engine = _SystemEngine(path) if on_macos else _EvaluatorEngine(program)
        self.info = SessionInfo(
            runtime="coreml",
            version=self._engine.version,
            device=_COMPUTE_UNITS if on_macos else "cpu",
            mode="executed" if on_macos else "evaluated",
            input_shapes={variable.name: variable.shape for variable in program.inputs},
            output_names=program.outputs,
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        return self._engine.run(checked_feeds(feeds, self.info.input_shapes))


class _Engine(Protocol):
    version: str

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]: ...


class _EvaluatorEngine:
    def __init__(self, program: Program) -> None:
        self._evaluator = Evaluator(program)
        with quiet_coremltools("evaluating a Core ML package") as coremltools:
            self.version = f"coremltools {coremltools.__version__}, evaluated"

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._evaluator.run(feeds)


class _SystemEngine:
    version: str

    def __init__(self, path: Path) -> None:
        self.version = f"macOS {platform.mac_ver()[0]}"
        with quiet_coremltools("running a Core ML package") as coremltools:
            self._model: Any = coremltools.models.MLModel(
                str(path), compute_units=coremltools.ComputeUnit[_COMPUTE_UNITS]
            )
        # Of what the framework does not load coremltools only warns.
        refused = getattr(self._model, "_framework_error", None)
        if refused is not None:
            raise ArtifactError(
                f"Core ML cannot load {path} ({reason_of(refused)})", remedy="export it again"
            )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = self._model.predict(dict(feeds))
        return {name: np.asarray(value) for name, value in outputs.items()}
