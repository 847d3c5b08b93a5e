"""Which parts of a model take longer in 8 bits than in float32, and which take less: the data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartTime:
    """Milliseconds a frame in one part of the model, in float32 and in 8 bits."""

    part: str
    float_ms: float
    quantized_ms: float

    @property
    def rise_ms(self) -> float:
        """What 8 bits take more."""
        return self.quantized_ms - self.float_ms


@dataclass(frozen=True, slots=True)
class SlowParts:
    """A quantized artifact beside its float32 twin, by the runtime's own counters.

    frames: counted of each, in turn. parts: all of them, in the order of the table. layers: how
    many are quantized; layers_in_8_bits: for how many of those the runtime chose an 8-bit kernel.
    dot_products: the processor's 8-bit ones, None where unknown. time_ratio: of whole frames
    without counters, None where not measured.
    """

    twin: str
    frames: int
    parts: tuple[PartTime, ...]
    layers: int
    layers_in_8_bits: int
    dot_products: tuple[str, ...] | None
    time_ratio: float | None = None

    @property
    def float_ms(self) -> float:
        """All parts in float32."""
        return sum(part.float_ms for part in self.parts)

    @property
    def quantized_ms(self) -> float:
        """All parts in 8 bits."""
        return sum(part.quantized_ms for part in self.parts)

    @property
    def is_faster(self) -> bool:
        """Whether 8 bits take less time: whole frames decide where they were timed."""
        ratio = self.time_ratio or self.quantized_ms / self.float_ms
        return ratio < 1.0

    @property
    def sentence(self) -> str:
        """What the figures say, in words."""
        verdict = "8 bits are faster" if self.is_faster else "8 bits are not faster"
        frames = "" if self.time_ratio is None else f"{self.time_ratio:.2f} times float32's time, "
        counted = (
            f"{self.quantized_ms / self.float_ms:.2f} times by OpenVINO's counters "
            f"({self.float_ms:.0f} to {self.quantized_ms:.0f} ms)"
        )
        return (
            f"{verdict}: {frames}{counted}. {self._extremes()} {self.layers_in_8_bits} of "
            f"{self.layers} quantized layers run in 8 bits; {self._processor()}."
        )

    def _extremes(self) -> str:
        """The part that rises most, and the one that falls most."""
        most = max(self.parts, key=lambda one: one.rise_ms)
        least = min(self.parts, key=lambda one: one.rise_ms)
        lost = f"Most is lost in {_change(most)}" if most.rise_ms > 0.0 else "No part rises"
        saved = f"most is saved in {_change(least)}" if least.rise_ms < 0.0 else "no part falls"
        return f"{lost}; {saved}."

    def _processor(self) -> str:
        if self.dot_products is None:
            return "whether the processor has 8-bit dot products is unknown"
        if not self.dot_products:
            return "the processor has no 8-bit dot products"
        return f"the processor has 8-bit dot products ({', '.join(self.dot_products)})"


@dataclass(frozen=True, slots=True)
class Uncounted:
    """In place of `SlowParts` where counting went wrong, and why."""

    reason: str

    @property
    def sentence(self) -> str:
        """The same in words."""
        return f"where its time goes was not counted: {self.reason}"


def _change(part: PartTime) -> str:
    return f"{part.part}, {part.float_ms:.1f} to {part.quantized_ms:.1f} ms"
