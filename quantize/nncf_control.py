"""NNCF's accuracy control: single layers in float, one after the other, the costliest first.

Every group of layers that share a quantizer is tried alone on a held-out scene, and every choice on
all scenes: two to three times as long as our own search (`part_search`), which puts back whole
parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.child import in_child
from bokehflow.errors import ArtifactError
from bokehflow.quantize.control import Attempt, Control
from bokehflow.quantize.format import Format, M
from bokehflow.quantize.held_out import HeldOut, Limits, overall
from bokehflow.runtimes import Session

_WITHIN_LIMITS = 1.0
"""The score of what stays within limits. NNCF divides by the original's."""


def search_by_nncf(control: Control[M]) -> list[Attempt[M]]:
    """One attempt with the layers in float that NNCF chose, or two.

    NNCF judges float weights where a model computes in float, and attempts have them in 8 bits.
    Where that alone goes beyond the limits, NNCF is asked again for so much more. Raises what
    `chosen_floats` raises.
    """
    asked = control.job.limits
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
    job, source = control.job, control.job.artifact.path
    floats = in_child(
        _searched,
        type(control.form),
        source,
        job.samples,
        job.held_out,
        limits,
        ended=ArtifactError(
            f"NNCF's process ended while it looked at {source}",
            "a search that runs to its end",
            'search by parts, or start your script under if __name__ == "__main__"',
        ),
    )
    job.advance()
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
