"""Names, shapes and units of what goes into and comes out of an exported graph."""

from __future__ import annotations

from collections.abc import Iterable

from bokehflow.layers.temporal import State, state_shapes
from bokehflow.optics import LENS_FIELDS
from bokehflow.specs import DEPTH_MAX_M, DEPTH_MIN_M, Size, TensorSpec, Variant

STATE_PAIRS = {f"state_{name}": f"next_state_{name}" for name in State._fields}
"""Which output of one frame is which input of the next."""
SCAN_STATE = STATE_PAIRS["state_scan"]
"""The output that holds the state of the scans, which is nearly all of the state."""
CARRIED = "zeros before the first frame and after a cut, else as the frame before gave it"
HANDED_ON = "as it is, for the next frame"


def input_specs(variant: Variant, frame_size: Size, segments: int = 1) -> list[TensorSpec]:
    """The inputs of a pipeline, in order, for batch 1; segments: of its scans."""
    lens = TensorSpec(
        "lens", (1, len(LENS_FIELDS)), unit="mm, 1, m, mm", layout=", ".join(LENS_FIELDS)
    )
    return [_picture("image", frame_size), lens, *_states(variant, segments, STATE_PAIRS, CARRIED)]


def output_specs(variant: Variant, frame_size: Size, segments: int = 1) -> list[TensorSpec]:
    """The outputs of a pipeline, in order, for batch 1; segments: of its scans."""
    depth = TensorSpec(
        "depth",
        (1, 1, frame_size.height, frame_size.width),
        unit="m",
        value_range=(DEPTH_MIN_M, DEPTH_MAX_M),
        layout="NCHW",
    )
    states = _states(variant, segments, STATE_PAIRS.values(), HANDED_ON)
    return [_picture("bokeh", frame_size), depth, *states]


def _picture(name: str, size: Size) -> TensorSpec:
    return TensorSpec(
        name,
        (1, 3, size.height, size.width),
        unit="sRGB",
        value_range=(0.0, 1.0),
        layout="NCHW, RGB",
    )


def _states(variant: Variant, segments: int, names: Iterable[str], layout: str) -> list[TensorSpec]:
    shapes = state_shapes(variant, segments=segments).values()
    return [
        TensorSpec(name, shape, layout=layout) for name, shape in zip(names, shapes, strict=True)
    ]
