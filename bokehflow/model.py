"""The model as a user calls it: frame, lens and state in; bokeh, depth and the next state out."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.defaults import VARIANT
from bokehflow.errors import NumericalError, SizeError, UsageError
from bokehflow.layers.segments import TemporalConfig
from bokehflow.layers.temporal import State
from bokehflow.network import Network
from bokehflow.optics import Lens, require_field_of_view
from bokehflow.pipeline import Pipeline
from bokehflow.rendering import RenderConfig
from bokehflow.rendering.checks import require_srgb
from bokehflow.scan import ScanConfig
from bokehflow.specs import (
    FULL_NETWORK,
    MOBILE_PROFILE,
    Size,
    find_variant,
    network_size_for,
)
from bokehflow.weights import WeightsInfo, load_network, weights_sha256

PRECISIONS = (torch.float32, torch.float64)
"""What a network may be in: the lens is told in its precision."""


_KINDS = {
    "network_size": str,
    "render": RenderConfig,
    "scan": ScanConfig,
    "temporal": TemporalConfig,
}


class Frame(NamedTuple):
    """One frame's result, without gradients. bokeh: sRGB 0..1, [1, 3, H, W]; depth: metres, [1, 1,
    H, W], within `specs.DEPTH_MIN_M` and `DEPTH_MAX_M` times `BokehFlow.depth_scale`; next_state:
    to be given with the next frame."""

    bokeh: Tensor
    depth: Tensor
    next_state: State


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """network_size: `full`, `mobile` (longer side as in the mobile profile) or HxW.
    source_fov_deg: horizontal field of view of the camera that took the frames; None is the one
    the weights were trained for. Depth is scaled for it (`depth_scale`), and so are the bounds
    within which it is reported: `specs.DEPTH_MAX_M`, the sky, is farther than that through a longer
    lens and nearer through a wider one. render, scan, temporal: how to render, to scan, and to
    carry the state from frame to frame. Raises UsageError for settings of another type or a field
    of view that no lens has, SizeError for what is no size.
    """

    network_size: str = FULL_NETWORK
    source_fov_deg: float | None = None
    render: RenderConfig = field(default_factory=RenderConfig)
    scan: ScanConfig = field(default_factory=ScanConfig)
    temporal: TemporalConfig = field(default_factory=TemporalConfig)

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise UsageError(f"{name}={value!r}", f"a {kind.__name__}")
        if self.network_size not in (FULL_NETWORK, MOBILE_PROFILE):
            Size.parse(self.network_size)
        if self.source_fov_deg is not None:
            require_field_of_view("source_fov_deg", self.source_fov_deg)


class _Kept(NamedTuple):
    """A pipeline, and what it was made for."""

    made_for: tuple[object, ...]
    pipeline: Pipeline


class BokehFlow:
    """A network with its renderer, for frames of any size: with the network size `full` of sides
    that are multiples of 4, with `mobile` of any others too.

    `config` may be replaced; scan and temporal stay those of the network. Raises UsageError for one
    of another type.
    """

    def __init__(self, network: Network, weights: WeightsInfo, config: ModelConfig) -> None:
        _require_config(config)
        self.network, self.weights, self.config = network, weights, config
        self._given = _values_sha256(network)
        self._kept: _Kept | None = None

    def weights_in_use(self) -> WeightsInfo:
        """`weights`; with the hash of the network's tensors where these were changed since, as a
        file has that they are saved to."""
        if _values_sha256(self.network) == self._given:
            return self.weights
        found = weights_sha256(self.network.state_dict())
        return dataclasses.replace(self.weights, sha256=found)

    def network_size_for(self, frame: Size) -> Size:
        """The size at which the network sees frames of one size. Raises SizeError for none."""
        return network_size_for(frame, self.config.network_size, self.network.temporal.segments)

    def pipeline_for(self, frame: Size) -> Pipeline:
        """The static pipeline for one frame size; the last one is kept while network and config are
        the same, and the network where and as precise as it was."""
        place = self._place
        made_for = (frame, self.network, self.config, place.device, place.dtype)
        # Looked at once: another thread may put its own there meanwhile.
        kept = self._kept
        if kept is None or kept.made_for != made_for:
            kept = self._kept = _Kept(made_for, self._pipeline(frame))
        return kept.pipeline

    def _pipeline(self, frame: Size) -> Pipeline:
        size, place = self.network_size_for(frame), self._place
        # Kept for callers that want gradients, too, whoever asks first.
        with torch.inference_mode(False):
            pipeline = Pipeline(self.network, frame, size, self.config.render)
            pipeline.renderer.in_tiles()
            return pipeline.to(place.device, place.dtype)

    @property
    def _place(self) -> Tensor:
        """Any weight: frames must be on its device and of its precision."""
        return next(self.network.parameters())

    @property
    def depth_scale(self) -> float:
        """True depth over the depth that the network sees, for the source's field of view."""
        return depth_scale(self.config.source_fov_deg, self.weights.canonical_fov_deg)

    def first_state(self) -> State:
        """The state before the first frame, and after a cut."""
        return self.network.first_state()

    def __call__(self, image: Tensor, lens: Lens, state: State | None = None) -> Frame:
        """Render one frame. Nothing is remembered: the state comes in and goes out. Without one, or
        with `first_state`, it is a first frame, which cold segments see `TemporalConfig.first_runs`
        times.

        image: [1, 3, H, W], sRGB 0..1, on the network's device and in its precision, float32 as
        loaded; no gradient goes back to it. state: of the previous frame, None before the first.
        Blur beyond the renderer's reach (`RenderConfig`) is rendered at that reach, as an exported
        graph does; `bokehflow.render` refuses it. Autocast costs picture and depth its digits.
        Raises SizeError for an image or a state of another shape or too small, MediaError for
        values that are not sRGB, UsageError for another device or precision, for a network in
        neither of `PRECISIONS` and for what is no tensor, lens or state, LensError for a focus that
        the source field of view moves inside the focal length, NumericalError for a state that is
        not finite.
        """
        told = self._told(image, lens)
        carried = State(*self._checked_state(state))
        pipeline = self.pipeline_for(Size(image.shape[2], image.shape[3]))
        runs = self.network.temporal.runs_after(carried.valid)
        with torch.no_grad():
            out = pipeline.show(image, told, carried, runs)
        bokeh, depth, *next_state = out
        return Frame(bokeh, depth * self.depth_scale, State(*next_state))

    def first_depth(self, image: Tensor, lens: Lens) -> Tensor:
        """The depth of a first frame as a call gives it, [1, 1, H, W] in metres, without the
        picture. Raises as a call does."""
        told = self._told(image, lens)
        first = State(*self._checked_state(None))
        pipeline = self.pipeline_for(Size(image.shape[2], image.shape[3]))
        with torch.no_grad():
            depth = pipeline.depth(image, told, first, self.network.temporal.first_runs)
        return depth * self.depth_scale

    def _told(self, image: Tensor, lens: Lens) -> Tensor:
        """The lens as the network is told of it, [1, 4], for an image that is as it should be."""
        self._check_image(image)
        if not isinstance(lens, Lens):
            raise UsageError(f"a {type(lens).__name__} for a lens", "a bokehflow.Lens")
        seen = lens.seen_with_depth_scaled(1.0 / self.depth_scale)
        return torch.tensor([seen.as_tuple()], dtype=image.dtype, device=image.device)

    def _check_image(self, image: Tensor) -> None:
        if not isinstance(image, Tensor):
            raise UsageError(f"a {type(image).__name__} for an image", "a tensor [1, 3, H, W]")
        if image.dim() != 4 or image.shape[:2] != (1, 3) or 0 in image.shape:
            raise SizeError(f"an image of shape {tuple(image.shape)}", "[1, 3, H, W]")
        require_srgb(image)
        place = self._place
        if place.dtype not in PRECISIONS:
            raise UsageError(
                f"a network in {place.dtype}, in which lens formulas lose their digits or overflow",
                " or ".join(str(dtype) for dtype in PRECISIONS),
                "take model.network.float()",
            )
        if (image.dtype, image.device) != (place.dtype, place.device):
            raise UsageError(
                f"an image of {image.dtype} on {image.device}",
                f"{place.dtype} on {place.device}, as the weights",
                "convert it, or load the model with the image's device",
            )

    def _checked_state(self, state: State | None) -> list[Tensor]:
        first = self.first_state()
        if state is None:
            return [tensor.to(self._place) for tensor in first]
        if not _is_like(state, first):
            raise UsageError(
                f"a {type(state).__name__} for a state",
                f"{len(first)} tensors: {', '.join(State._fields)}",
                "give the next_state of the frame before, or None before the first",
            )
        for name, given, wanted in zip(State._fields, state, first, strict=True):
            if given.shape != wanted.shape:
                raise SizeError(
                    f"a state whose {name} has shape {tuple(given.shape)}",
                    str(tuple(wanted.shape)),
                    "carry the state of one model from frame to frame",
                )
            is_dense = given.layout == torch.strided and not given.is_meta
            if not given.is_floating_point() or not is_dense:
                raise UsageError(
                    f"a state whose {name} is of {given.dtype} and {given.layout} on "
                    f"{given.device}",
                    "floating point, dense and on a device",
                )
            if not bool(given.to(self._place).isfinite().all()):
                raise NumericalError(
                    f"a state whose {name} holds NaN or infinite values",
                    "finite ones",
                    "begin again without a state",
                )
        return [tensor.to(self._place) for tensor in state]


def _values_sha256(network: Network) -> str:
    """Of its tensors in float32, whatever more precise they are in."""
    return weights_sha256({name: x.float() for name, x in network.state_dict().items()})


def _is_like(state: object, wanted: State) -> bool:
    """Whether something is a tuple or list of as many tensors."""
    return (
        isinstance(state, tuple | list)
        and len(state) == len(wanted)
        and all(isinstance(part, Tensor) for part in state)
    )


def depth_scale(source_fov_deg: float | None, canonical_fov_deg: float) -> float:
    """True depth over the depth that the network sees.

    A longer lens shows a thing larger than the trained one would, so the network puts it nearer.
    Raises LensError as `require_field_of_view` does.
    """
    if source_fov_deg is None:
        return 1.0
    require_field_of_view("source_fov_deg", source_fov_deg)
    return math.tan(math.radians(canonical_fov_deg / 2)) / math.tan(
        math.radians(source_fov_deg / 2)
    )


def load_model(
    variant: str = VARIANT,
    weights: str | Path | None = None,
    config: ModelConfig | None = None,
    device: str | torch.device | None = None,
) -> BokehFlow:
    """Load a model. `weights=None` takes the shipped weights, or seeded untrained ones where none
    ship (`model.weights.trained` says which). device: where frames will be; None is where the
    scan runs.

    Raises UnknownNameError for the variant, WeightsError for a file that does not fit, UsageError
    for a device that does not exist here, for what is no path and for a config of another type.
    """
    config = ModelConfig() if config is None else config
    _require_config(config)
    path = None if weights is None else _path(weights)
    place = config.scan.device if device is None else _device(device)
    network, info = load_network(find_variant(variant), path, config.scan, config.temporal)
    return BokehFlow(network.to(place), info, config)


def _path(weights: str | Path) -> Path:
    try:
        return Path(weights)
    except TypeError as error:
        raise UsageError(f"weights={weights!r}", "the path of a file, or None") from error


def _require_config(config: object) -> None:
    if not isinstance(config, ModelConfig):
        raise UsageError(
            f"a config of the type {type(config).__name__}", "a ModelConfig",
            'pass ModelConfig(network_size="mobile") for one',
        )  # fmt: skip


def _device(name: str | torch.device) -> torch.device:
    try:
        place = torch.device(name)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        first = str(error).partition("\n")[0]
        raise UsageError(
            f"no device {str(name)!r} here: {first}", "cpu, or cuda where it is"
        ) from error
    if place.type == "meta":
        raise UsageError("the device meta, which computes nothing", "cpu, or cuda where it is")
    return place
