"""The one door to NNCF: imported on first use, kept quiet while it works, and told the same by
all formats."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.engines.quiet_logger import quiet_logger
from bokehflow.installed import imported
from bokehflow.quantize.format import Judge
from bokehflow.quantize.held_out import HELD_OUT_KINDS
from bokehflow.runtimes import Session


@contextlib.contextmanager
def quiet_nncf() -> Iterator[Any]:
    """Yield the package `nncf` without its log lines, progress bars and warnings.

    It draws its bars on standard output, where only results belong.
    Raises MissingDependencyError where it is not installed.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        nncf = imported("nncf", "quantize", "quantizing to INT8")
        with quiet_logger("nncf"):
            yield nncf


def dataset(nncf: Any, samples: SampleSet) -> Any:
    """A calibration set as NNCF takes it; nncf: the package.

    A sample's floats are made when they are asked for: at 4K those of all 64 would be 6 GB.
    """
    return nncf.Dataset(range(len(samples)), samples.feeds)


def quantized_by_nncf(model: Any, samples: SampleSet, others: Iterable[str]) -> Any:
    """A copy of a model with its layers in 8 bits: weights a scale a channel, activations one range
    a tensor, from all samples.

    others: names of all nodes but those that may be quantized. Raises as `quiet_nncf` does.
    """
    with quiet_nncf() as nncf:
        return nncf.quantize(
            model,
            dataset(nncf, samples),
            advanced_parameters=_details(nncf),
            **_settings(nncf, samples, others),
        )


def restored(
    model: Any,
    samples: SampleSet,
    others: Iterable[str],
    judge: Judge,
    opened: Callable[[Any], Session],
) -> Any:
    """As `quantized_by_nncf`, with as many layers in 8 bits as NNCF finds the judge to allow.

    opened: makes a session of what NNCF hands over to be judged.
    """
    with quiet_nncf() as nncf:
        return nncf.quantize_with_accuracy_control(
            model,
            dataset(nncf, samples),
            nncf.Dataset(list(range(len(HELD_OUT_KINDS)))),
            lambda tried, scenes: judge(opened(tried), list(scenes)),
            max_drop=0.0,
            advanced_quantization_parameters=_details(nncf),
            advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
                ranking_subset_size=1
            ),
            **_settings(nncf, samples, others),
        )


def _settings(nncf: Any, samples: SampleSet, others: Iterable[str]) -> dict[str, Any]:
    """What both are told by the same names."""
    return {
        "subset_size": len(samples),
        "ignored_scope": nncf.IgnoredScope(names=list(others), validate=False),
        "preset": nncf.QuantizationPreset.MIXED,
    }


def _details(nncf: Any) -> Any:
    """What each is told by a name of its own.

    Weights take half of their 8 bits' range: where a processor has no 8-bit dot products (AVX2,
    early AVX-512), engines add two products in 16 bits, which overflow with the whole range. Bias
    correction gained nothing when it was measured, and would have to be undone with each layer
    that is left in float.
    """
    return nncf.AdvancedQuantizationParameters(
        disable_bias_correction=True, overflow_fix=nncf.OverflowFix.ENABLE
    )
