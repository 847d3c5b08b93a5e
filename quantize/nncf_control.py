"""NNCF's accuracy control: single layers in float, one after the other, the costliest first.

Every group of layers that share a quantizer is tried alone on a held-out scene, and every choice on
all scenes: two to three times as long as our own search (`part_search`), which puts back whole
parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bokehflow.quantize.accuracy import Attempt, Control, Limits
from bokehflow.quantize.format import Feeds, Judge, M
from bokehflow.quantize.held_out import HELD_OUT_KINDS, overall
from bokehflow.quantize.nncf_access import quantization_details, quiet_nncf
from bokehflow.runtimes import Session

_WITHIN_LIMITS = 1.0
"""The score of what stays within limits. NNCF divides by the original's."""


def search_by_nncf(control: Control[M]) -> list[Attempt[M]]:
    """One attempt with the layers in float that NNCF chose, or two.

    NNCF judges float weights where a model computes in float, and attempts have them in 8 bits.
    Where that alone goes beyond the limits, NNCF is asked again for so much more.
    """
    asked = control.limits
    attempts = [control.attempt(_floats(control, asked))]
    loss = attempts[0].loss
    if not asked.met_by(loss):
        tighter = Limits(
            asked.max_drop_db - max(loss.drop_db - asked.max_drop_db, 0.0),
            asked.parity_db + max(asked.parity_db - loss.parity_db, 0.0),
        )
        attempts.append(control.attempt(_floats(control, tighter)))
    return attempts


def _floats(control: Control[M], limits: Limits) -> tuple[str, ...]:
    """The layers that NNCF leaves in float for some limits."""

    def judge(session: Session, scenes: Sequence[int]) -> tuple[float, list[float]]:
        losses = control.held_out.losses(session, scenes)
        control.advance()
        scores = [_WITHIN_LIMITS - limits.excess(loss) for loss in losses]
        return _WITHIN_LIMITS - limits.excess(overall(losses)), scores

    samples = [control.samples.feeds(i) for i in range(len(control.samples))]
    return tuple(control.form.floats_by_nncf(control.original, samples, judge))


def restored(
    model: Any,
    samples: Sequence[Feeds],
    others: Iterable[str],
    judge: Judge,
    opened: Callable[[Any], Session],
) -> Any:
    """A quantized copy of a model with as many layers in 8 bits as NNCF finds the judge to allow.

    others: names of all nodes but those that may be quantized. opened: makes a session of what NNCF
    hands over to be judged.
    """
    with quiet_nncf() as nncf:
        return nncf.quantize_with_accuracy_control(
            model,
            nncf.Dataset(samples),
            nncf.Dataset(list(range(len(HELD_OUT_KINDS)))),
            lambda tried, scenes: judge(opened(tried), list(scenes)),
            max_drop=0.0,
            subset_size=len(samples),
            ignored_scope=nncf.IgnoredScope(names=list(others), validate=False),
            preset=nncf.QuantizationPreset.MIXED,
            advanced_quantization_parameters=quantization_details(nncf),
            advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
                ranking_subset_size=1
            ),
        )
