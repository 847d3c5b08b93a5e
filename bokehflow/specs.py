"""What a model is made of and what goes through it: variants, frame sizes, tensors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral

from bokehflow.errors import SizeError, UnknownNameError

TOKEN_STRIDE = 4
"""Network pixels a token, along each axis (the stem's stride)."""

DEPTH_MIN_M = 0.1
DEPTH_MAX_M = 1000.0
"""Depth is reported within these bounds; sky is DEPTH_MAX_M."""
DEPTH_JUDGED_M = 80.0
"""Depths beyond this are not told apart, in training or in scores: nothing a lens shows does, and
it is the field's usual bound."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the variant table (founding document, section 4.1)."""

    name: str
    channels: int
    heads: int
    blocks: int
    head_channels: int
    table_parameters: float
    table_memory_gb: float
    table_fps: float

    @property
    def head_size(self) -> int:
        """Size d of one head's queries, keys and values."""
        return self.channels // self.heads


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("nano", 48, 3, 6, 32, 1.2e6, 0.8, 45.0),
        Variant("small", 96, 4, 6, 80, 4.8e6, 1.8, 23.0),
        Variant("base", 160, 5, 6, 48, 12.3e6, 3.2, 12.0),
    )
}


def find_variant(name: str) -> Variant:
    """The variant of that name. Raises UnknownNameError with the nearest name."""
    if not isinstance(name, str) or name not in VARIANTS:
        raise UnknownNameError("variant", name, VARIANTS)
    return VARIANTS[name]


MAX_SIDE_PX = 65_500
"""As long as a side of a JPEG can be: libjpeg writes no longer one."""


def is_whole(value: object) -> bool:
    """Whether this is an integer of any type; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Size:
    """Height and width of a frame in pixels, 1 to MAX_SIDE_PX, written HxW."""

    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise SizeError(f"size {self}", "at least 1x1")
        if max(self.height, self.width) > MAX_SIDE_PX:
            raise SizeError(f"size {self}", f"at most {MAX_SIDE_PX} px a side")

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `720x1280`. Raises SizeError for anything else."""
        match = re.fullmatch(r"(\d{1,9})[xX](\d{1,9})", text.strip())
        if match is None:
            raise SizeError(f"size {text!r}", "HEIGHTxWIDTH, as in 720x1280")
        return cls(int(match[1]), int(match[2]))


FULL_NETWORK, MOBILE_PROFILE = "full", "mobile"
FULL_HD = Size(1080, 1920)
MOBILE_FRAME = Size(720, 1280)
MOBILE_NETWORK = Size(288, 512)
"""The mobile profile: the network sees the frame at this size, the renderer at MOBILE_FRAME."""


def network_size_for(frame: Size, request: str | Size = FULL_NETWORK, segments: int = 1) -> Size:
    """The size at which the network sees `frame`: `full`, `mobile`, or a size of its own.

    `mobile` has the frame's shape, a longer side like MOBILE_NETWORK's at most, and rows and
    columns of tokens that so many segments share equally. Raises SizeError for a size of its own or
    a full one that is not a multiple of the token stride or is larger than the frame, and for a
    frame that is smaller than a token for each segment.
    """
    if request == MOBILE_PROFILE:
        return _mobile_network_size(frame, TOKEN_STRIDE * segments)
    network = frame
    if isinstance(request, Size):
        network = request
    elif request != FULL_NETWORK:
        network = Size.parse(request)
    for label, value, most in (
        ("height", network.height, frame.height),
        ("width", network.width, frame.width),
    ):
        if value % TOKEN_STRIDE:
            down = value // TOKEN_STRIDE * TOKEN_STRIDE
            fitting = [str(x) for x in (down, down + TOKEN_STRIDE) if 0 < x <= most]
            raise SizeError(
                f"network {label} {value} for a frame of {frame}",
                f"a multiple of {TOKEN_STRIDE}",
                f"{' or '.join(fitting)} would do, or the network size {MOBILE_PROFILE}"
                if fitting
                else "no such frame is large enough",
            )
    if network.height > frame.height or network.width > frame.width:
        raise SizeError(
            f"network size {network}", f"at most the frame's {frame}", "or the network size `full`"
        )
    return network


def _mobile_network_size(frame: Size, step: int) -> Size:
    longest = max(MOBILE_NETWORK.height, MOBILE_NETWORK.width)
    scale = min(1.0, longest / max(frame.height, frame.width))
    shortest = min(frame.height, frame.width)
    if shortest < step:
        cut = f" for {step // TOKEN_STRIDE} segments" if step > TOKEN_STRIDE else ""
        raise SizeError(f"a frame of {frame}{cut}", f"sides of at least {step} px")
    return Size(_whole_steps(frame.height, scale, step), _whole_steps(frame.width, scale, step))


def _whole_steps(length: int, scale: float, step: int) -> int:
    steps = max(1, round(length * scale / step))
    return min(steps, length // step) * step


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of an exported graph, as the manifest describes it."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    unit: str = ""
    value_range: tuple[float, float] | None = None
    layout: str = ""
