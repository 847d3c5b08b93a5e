"""coremltools: imported on first use, told plainly where it is missing, and quiet while it works.

coremltools is an optional dependency that logs about every package it has not been tested with,
draws progress bars on stderr and trips deprecation warnings of other packages. None of that tells a
user of BokehFlow anything, so every call into it happens inside `quiet_coremltools`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any
from unittest import mock

from bokehflow.engines.quiet_logger import quiet_logger
from bokehflow.installed import needs

_ONE_AT_A_TIME = threading.RLock()
"""What coremltools builds goes onto a stack that all threads share: two programs that are read at
once end up in each other. What is kept quiet is shared too."""


@contextlib.contextmanager
def quiet_coremltools(purpose: str) -> Iterator[Any]:
    """Yield the package `coremltools`, without its log lines, warnings and progress bars, to one
    thread at a time.

    purpose: what the caller wants it for, as the error message should say it.
    Raises MissingDependencyError where it is not installed.
    """
    silent = quiet_logger("coremltools", logging.CRITICAL)
    with _ONE_AT_A_TIME, silent, warnings.catch_warnings(), _no_progress_bars():
        warnings.simplefilter("ignore")
        yield _import_coremltools(purpose)


def import_coremltools(purpose: str) -> None:
    """Import the package, as quietly. Raises as `quiet_coremltools`."""
    with quiet_coremltools(purpose):
        pass


@contextlib.contextmanager
def passes_only() -> Iterator[None]:
    """Let coremltools convert without looking at the whole program again and again.

    Much of a conversion goes into validating the program after every pass, which is for those who
    write passes, and into its text, which is for a log that is off.
    To be entered inside `quiet_coremltools`.
    """
    from coremltools.converters.mil.mil import Program

    with (
        mock.patch.object(Program, "validate", return_value=None),
        mock.patch.object(Program, "__str__", object.__repr__),
    ):
        yield


def load_program(model: Any) -> Any:
    """The program of a package that was opened without being compiled.

    To be entered inside `quiet_coremltools`.
    """
    from coremltools.converters.mil.frontend.milproto.load import load

    spec = model.get_spec()
    return load(
        spec,
        specification_version=spec.specificationVersion,
        file_weights_dir=model.weights_dir or "",
    )


def _import_coremltools(purpose: str) -> Any:
    with needs("coremltools", "coreml", purpose):
        import coremltools
    return coremltools


def _no_progress_bars() -> contextlib.AbstractContextManager[Any]:
    """Switch off every tqdm bar; coremltools offers no setting of its own for them."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        # tqdm comes with coremltools; without it the import just below says what is missing.
        return contextlib.nullcontext()
    silent = functools.partialmethod(tqdm.__init__, disable=True)
    return mock.patch.object(tqdm, "__init__", silent)
