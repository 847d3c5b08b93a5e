"""Segment-start states: the previous frame enters a scan at several places, not only at its start.

What a scan is told at its start is forgotten within a few rows, so each scan of a frame is cut
into n segments of whole rows or columns, and one state a segment is carried to the next frame.
Slot i of that state is what segment i - 1 ended in, and slot 0 what the last one did.

document   n = 1: S_0 = tau S_final_prev + (1 - tau) S_init (founding document, section 3.4)
off        nothing is taken from the previous frame
blended    segment i starts from (1 - tau) S_i + tau S_i_prev, where S_i is what segment i - 1 ended
           in and S_0 = S_init. With n = 1 that is the document's rule (a frame costs n passes)
systolic   segment i starts from S_i_prev and segment 0 from S_init. No segment waits for another,
           so the frame costs one pass, and on a still scene a scan agrees with the exact one
           after n frames: each makes one more segment right. A block that reads another's output
           does so n - 1 frames after it at the latest
cold       systolic from the first frame on, so that all frames are one graph

A first frame runs exactly: each segment starts where the one before it ended. In `cold` its
segments start from the state that is given, which is zeros. Nothing looks for cuts: the frame after
one is a first frame where the caller gives it `first_state`. Where the state is carried, its
segments start from another scene in a systolic or cold scan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.errors import SizeError, UnknownNameError, UsageError
from bokehflow.scan import ProjectedScan
from bokehflow.specs import is_whole

MOST_SEGMENTS = 1024
TSP_MODES = ("document", "off", "blended", "systolic", "cold")


@dataclass(frozen=True, slots=True)
class TemporalConfig:
    """tsp: a mode of the module docstring. segments: n, which divides the map's height and width.

    Raises UnknownNameError for the mode, UsageError for segments that it does not have.
    """

    tsp: str = "document"
    segments: int = 1

    def __post_init__(self) -> None:
        if self.tsp not in TSP_MODES:
            raise UnknownNameError("temporal mode", self.tsp, TSP_MODES)
        if not is_whole(self.segments) or not 1 <= self.segments <= MOST_SEGMENTS:
            raise SizeError(f"segments={self.segments!r}", f"1 to {MOST_SEGMENTS}")
        if self.segments > 1 and self.tsp in ("document", "off"):
            raise UsageError(f"{self.segments} segments for tsp={self.tsp!r}", "1, or another tsp")

    @property
    def is_segmented(self) -> bool:
        """Whether blocks start from a `SegmentStart`."""
        return self.tsp in ("blended", "systolic", "cold")

    @property
    def first_runs(self) -> int:
        """How often a first frame is run, its state carried, before the second: each run lets one
        more cold segment of a block know all before it. Blocks that read what others made are not
        settled then, and go on to be over the frames that follow."""
        return self.segments if self.tsp == "cold" else 1

    def runs_after(self, valid: Tensor) -> int:
        """How often a frame is run whose state is so valid, [B, 1]: 0 throughout before a first."""
        return 1 if bool(valid.any()) else self.first_runs


class SegmentStart(NamedTuple):
    """What one block's scans start from.

    initial: S_init, [1, 4, H, d, d]. before: the slots that the previous frame left,
    [B, n, 4, H, d, d]. keep: tau, [B, 1], 0 on a first frame. valid: [B, 1], 0 on a first frame.
    """

    initial: Tensor
    before: Tensor
    keep: Tensor
    valid: Tensor


_Run = Callable[[Tensor], tuple[Tensor, Tensor]]


class SegmentScan:
    """A scan over a feature map whose segments start as a TemporalConfig says.

    Called as a `ProjectedScan`, with a SegmentStart for the initial state; the final state that it
    returns is the slots for the next frame, [B, n, 4, H, d, d].
    """

    def __init__(self, scan: ProjectedScan, config: TemporalConfig) -> None:
        self.scan, self.config = scan, config

    def __call__(
        self,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        start: SegmentStart,
        height: int,
        width: int,
    ) -> tuple[Tensor, Tensor]:
        def run(starts: Tensor) -> tuple[Tensor, Tensor]:
            """Outputs and slots from the segments' start states."""
            o, ends = self._scan(qkv, log_decay, beta, starts, height, width)
            return o, ends.roll(1, dims=1)

        if self.config.tsp == "blended":
            return self._in_turn(run, start, start.keep)
        if self.config.tsp == "cold":
            return run(_with_first(start.before, start.initial))
        if torch.compiler.is_exporting():
            raise UsageError(
                "a systolic scan in an exported graph",
                "tsp='cold'",
                "its first frame runs otherwise than the rest, which one graph cannot",
            )
        first = start.valid[:, 0] == 0
        if bool(first.all()):
            return self._in_turn(run, start, torch.zeros_like(start.keep))
        o, slots = run(_with_first(start.before, start.initial))
        if bool(first.any()):
            exact_o, exact_slots = self._in_turn(run, start, torch.zeros_like(start.keep))
            o = torch.where(_like(first, o), exact_o, o)
            slots = torch.where(_like(first, slots), exact_slots, slots)
        return o, slots

    def _in_turn(self, run: _Run, start: SegmentStart, keep: Tensor) -> tuple[Tensor, Tensor]:
        """Segments that each start from the end of the one before, mixed with `keep` of its slot.

        Every pass makes one more segment right; n passes make all of them so, exactly.
        """
        keep = _like(keep[:, 0], start.before)
        arriving = start.initial[:, None].expand_as(start.before)
        for _ in range(self.config.segments):
            o, slots = run((1.0 - keep) * arriving + keep * start.before)
            arriving = _with_first(slots, start.initial)
        return o, slots

    def _scan(
        self,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        starts: Tensor,
        height: int,
        width: int,
    ) -> tuple[Tensor, Tensor]:
        if self.config.segments > 1:
            n = self.config.segments
            return self.scan(qkv, log_decay, beta, starts, height, width, segments=n)
        o, final = self.scan(qkv, log_decay, beta, starts[:, 0], height, width)
        return o, final[:, None]


def _with_first(slots: Tensor, initial: Tensor) -> Tensor:
    """The slots with S_init in place of slot 0, [B, n, 4, H, d, d]."""
    first = initial[:, None].expand_as(slots[:, :1])
    return torch.cat([first, slots[:, 1:]], dim=1)


def _like(values: Tensor, wanted: Tensor) -> Tensor:
    """[B] with as many axes as `wanted` [B, ...]."""
    return values.reshape(-1, *(1 for _ in wanted.shape[1:]))
