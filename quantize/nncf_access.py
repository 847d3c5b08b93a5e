"""The one door to NNCF: imported on first use, and kept quiet while it works."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export.quiet_logger import errors_only
from bokehflow.installed import imported


@contextlib.contextmanager
def quiet_nncf() -> Iterator[Any]:
    """Yield the package `nncf` without its log lines, progress bars and warnings.

    It draws its bars on standard output, where only results belong.
    Raises MissingDependencyError where it is not installed.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        nncf = imported("nncf", "quantize", "quantizing to INT8")
        with errors_only("nncf"):
            yield nncf


def dataset(nncf: Any, samples: SampleSet) -> Any:
    """A calibration set as NNCF takes it; nncf: the package.

    A sample's floats are made when they are asked for: at 4K those of all 64 would be 6 GB.
    """
    return nncf.Dataset(range(len(samples)), samples.feeds)


def quantization_details(nncf: Any) -> Any:
    """What every quantization by NNCF has in common; nncf: the package.

    Weights take half of their 8 bits' range: where a processor has no 8-bit dot products (AVX2,
    early AVX-512), engines add two products in 16 bits, which overflow with the whole range. Bias
    correction gained nothing when it was measured, and would have to be undone with each layer
    that is left in float.
    """
    return nncf.AdvancedQuantizationParameters(
        disable_bias_correction=True, overflow_fix=nncf.OverflowFix.ENABLE
    )
