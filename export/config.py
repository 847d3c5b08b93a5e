"""What to export: the target, the sizes, the precision and the form of the scan."""

from __future__ import annotations

from dataclasses import dataclass, field

from bokehflow.errors import UnknownNameError, UsageError
from bokehflow.export.lowering.choice import AUTO, Lowering, find_lowering
from bokehflow.export.targets import TARGET_FACTS, TARGETS, Precision, Target
from bokehflow.rendering import RenderConfig
from bokehflow.specs import MOBILE_FRAME, MOBILE_NETWORK, TOKEN_STRIDE, Size, network_size_for


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """One artifact. precision None takes the target's own; scan `auto` takes what measured best.

    Raises UnknownNameError for a target, precision or scan that does not exist, UsageError for a
    precision or a scan that the target has not and for a reach of the renderer beyond the frame,
    SizeError for sizes that do not fit.
    """

    target: Target
    frame_size: Size = MOBILE_FRAME
    network_size: Size = MOBILE_NETWORK
    precision: Precision | None = None
    scan: str = AUTO
    render: RenderConfig = field(default_factory=RenderConfig)

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise UnknownNameError("target", self.target, TARGETS)
        find_lowering(self.scan, self.target)
        precisions = TARGET_FACTS[self.target].precisions
        if self.precision is not None and self.precision not in precisions:
            if self.precision not in ("fp32", "fp16"):
                raise UnknownNameError("precision", self.precision, precisions)
            raise UsageError(
                f"precision {self.precision} for {self.target}", " or ".join(precisions)
            )
        network_size_for(self.frame_size, self.network_size)
        longer_px = max(self.frame_size.height, self.frame_size.width)
        if (self.render.max_radius_px or 0.0) > longer_px:
            raise UsageError(
                f"max_radius_px={self.render.max_radius_px:g} for a frame of {self.frame_size}",
                f"at most {longer_px}, its longer side",
            )

    @property
    def chosen_precision(self) -> Precision:
        """The precision asked for, or the target's own."""
        return self.precision or TARGET_FACTS[self.target].own_precision

    @property
    def lowering(self) -> Lowering:
        """The form of the scan, with `auto` decided, for the network's size."""
        tokens = self.network_size.height * self.network_size.width // TOKEN_STRIDE**2
        return find_lowering(self.scan, self.target).for_tokens(tokens)
