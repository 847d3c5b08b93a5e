"""NNCF's accuracy control: single layers in float, one after the other, the costliest first.

Every group of layers that share a quantizer is tried alone on a held-out scene, and every choice on
all scenes: two to three times as long as our own search (`part_search`), which puts back whole
parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.child import in_child
from bokehflow.errors import ArtifactError
from bokehflow.quantize.accuracy import Attempt, Control, Limits
from bokehflow.quantize.format import Format, Judge, M
from bokehflow.quantize.held_out import HELD_OUT_KINDS, HeldOut, overall
from bokehflow.quantize.nncf_access import dataset, quantization_details, quiet_nncf
from bokehflow.runtimes import Session

_WITHIN_LIMITS = 1.0
"""The score of what stays within limits. NNCF divides by the original's."""


def search_by_nncf(control: Control[M]) -> list[Attempt[M]]:
    """One attempt with the layers in float that NNCF chose, or two.

    NNCF judges float weights where a model computes in float, and attempts have them in 8 bits.
    Where that alone goes beyond the limits, NNCF is asked again for so much more. Raises what
    `chosen_floats` raises.
    """
    asked = control.limits
    attempts = [control.attempt(chosen_floats(control, asked))]
    loss = attempts[0].loss
    if not asked.met_by(loss):
        tighter = Limits(
            asked.max_drop_db - max(loss.drop_db - asked.max_drop_db, 0.0),
            asked.parity_db + max(asked.parity_db - loss.parity_db, 0.0),
        )
        attempts.append(control.attempt(chosen_floats(control, tighter)))
    return attempts


def chosen_floats(control: Control[M], limits: Limits) -> tuple[str, ...]:
    """The layers that NNCF leaves in float for some limits.

    In a process of its own: NNCF compiles with many OpenVINO cores, which may leave a signal stack
    that is gone (`export.openvino_access`), and a segmentation fault long after. Raises
    ArtifactError where it ends this one.
    """
    floats = in_child(
        _searched,
        type(control.form),
        control.source,
        control.samples,
        control.held_out,
        limits,
        ended=ArtifactError(
            f"NNCF's process ended while it looked at {control.source}",
            "a search that runs to its end",
            'search by parts, or start your script under if __name__ == "__main__"',
        ),
    )
    control.advance()
    return floats


def _searched(
    make_form: Callable[[], Format[M]],
    source: Path,
    samples: SampleSet,
    held_out: HeldOut,
    limits: Limits,
) -> tuple[str, ...]:
    """`chosen_floats`, in its process."""

    def judge(session: Session, scenes: Sequence[int]) -> tuple[float, list[float]]:
        losses = held_out.losses(session, scenes)
        scores = [_WITHIN_LIMITS - limits.excess(loss) for loss in losses]
        return _WITHIN_LIMITS - limits.excess(overall(losses)), scores

    form = make_form()
    return tuple(form.floats_by_nncf(form.read(source), samples, judge))


def restored(
    model: Any,
    samples: SampleSet,
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
            dataset(nncf, samples),
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
