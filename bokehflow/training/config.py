"""What a run is: everything that changes the weights it ends with, and nothing else.

The machine it runs on (scan, precision, processes) is no part of it, so that a run can go on
elsewhere. Defaults are those of the founding document, section 5.3, where it has one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from bokehflow.errors import SizeError, UnknownNameError, UsageError
from bokehflow.optics import require_field_of_view
from bokehflow.specs import TOKEN_STRIDE, Size, find_variant
from bokehflow.training.ablate import NONE, check_ablation
from bokehflow.weights import CANONICAL_FOV_DEG

METHODS = ("adamw", "muon")
RENDERINGS = ("none", "true_depth", "predicted_depth")
PERCEPTUAL_NETWORKS = ("efficientnet_lite0", "vgg19")
SMALLEST_SIDE_PX = 16
DEPTH_LOSSES = ("depth", "coarse_depth", "depth_edges", "depth_ratio")
PICTURE_LOSSES = ("bokeh_l1", "bokeh_ssim", "perceptual", "bokeh_decibels")
MOST_LEARNING_RATE = 10.0
ROUNDING = 1e-9
"""Of shares that add up to one."""
LARGEST_SEED = 2**64 - 1
"""That torch takes."""


@dataclass(frozen=True, slots=True)
class OptimiserConfig:
    """The optimiser, its schedule and its guard.

    method: "adamw" is the document's; "muon" moves the matrices of linear layers by Muon, which
    learns more a step. keep_rate: times the learning rate, for what decides how much of the state
    is kept from frame to frame: a few scalars that have far to go. last_share: the learning rate
    at the last step as a share of the highest one.
    """

    method: str = "adamw"
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    warmup_steps: int = 5000
    last_share: float = 0.01
    clip_norm: float = 1.0
    keep_rate: float = 1.0

    def __post_init__(self) -> None:
        _above_zero("learning_rate", self.learning_rate)
        _within("learning_rate", self.learning_rate, 0.0, MOST_LEARNING_RATE)
        _above_zero("clip_norm", self.clip_norm)
        _above_zero("keep_rate", self.keep_rate)
        if self.method not in METHODS:
            raise UnknownNameError("method", self.method, METHODS)
        _within("weight_decay", self.weight_decay, 0.0, 1.0)
        _within("last_share", self.last_share, 0.0, 1.0)
        _at_least("warmup_steps", self.warmup_steps, 0)


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each loss counts; 0 leaves it out. See `bokehflow.training.losses` for each.

    bokeh_decibels and depth_ratio are none of the document's: they are what PSNR, and what AbsRel
    and delta1 measure.
    """

    depth: float = 1.0
    coarse_depth: float = 0.5
    depth_edges: float = 0.2
    bokeh_l1: float = 1.0
    bokeh_ssim: float = 1.0
    perceptual: float = 0.1
    temporal: float = 0.5
    temporal_depth: float = 0.2
    bokeh_decibels: float = 0.0
    depth_ratio: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            _within(item.name, getattr(self, item.name), 0.0, math.inf)
        if not any(getattr(self, item.name) for item in fields(self)):
            raise UsageError("losses that all weigh 0", "one above 0")


@dataclass(frozen=True, slots=True)
class StageConfig:
    """One part of a run.

    sizes: HxW of what the network sees, one of them drawn a step. batch: clips a step over all
    processes. frames: of one clip, the state carried from each to the next. truncate: gradients
    flow back through at most so many frames, 0 for all. rendering: "none" trains depth alone;
    "true_depth" and "predicted_depth" also train the picture, rendered from that depth.
    smallest_view: crops show at least this share of the frame's sides. camera_looks: frames get
    the tone, colour, softness and noise of many cameras; for depth alone, since the picture is
    judged by what the same frames look like through the lens. rate: times the run's learning rate,
    for a stage that comes when that has nearly ended and has something new to learn. pan: stills
    serve as clips too, seen in a view that moves by up to this share of its sides a frame; 0 for
    filmed clips alone. turns: share of the views whose camera is turned on the spot; for depth of
    single frames. any_lenses: share of the samples for which the network is told of a lens that
    knows nothing of the scene; a clip's own is focused on something in view, and tells how far that
    is. any_apertures: share of the samples for which it is told of any focal length and f-number
    at the clip's own focus; a clip's own make the blur there what was wanted. Both for depth alone.
    """

    name: str
    steps: int
    sizes: tuple[str, ...] = ("128x128",)
    batch: int = 8
    frames: int = 1
    truncate: int = 0
    rendering: str = "none"
    smallest_view: float = 0.6
    camera_looks: bool = False
    rate: float = 1.0
    pan: float = 0.0
    turns: float = 0.0
    any_lenses: float = 0.0
    any_apertures: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "frames"):
            _at_least(name, getattr(self, name), 1)
        _at_least("truncate", self.truncate, 0)
        _within("smallest_view", self.smallest_view, 0.05, 1.0)
        _above_zero("rate", self.rate)
        _within("pan", self.pan, 0.0, 0.5)
        _within("turns", self.turns, 0.0, 1.0)
        _within("any_lenses", self.any_lenses, 0.0, 1.0)
        _within("any_apertures", self.any_apertures, 0.0, 1.0)
        told = self.any_lenses + self.any_apertures
        if told > 1.0 + ROUNDING:
            raise UsageError(f"any_lenses and any_apertures, together {told:g}", "at most 1")
        if self.rendering not in RENDERINGS:
            raise UnknownNameError("rendering", self.rendering, RENDERINGS)
        if self.camera_looks and self.renders:
            raise UsageError(
                f"camera_looks in the stage {self.name!r}, which trains the picture",
                'camera_looks with rendering = "none"',
            )
        if self.turns and (self.renders or self.frames > 1):
            raise UsageError(
                f"turns in the stage {self.name!r}, which trains the picture or several frames",
                'turns with rendering = "none" and frames = 1',
            )
        if told and self.renders:
            raise UsageError(
                f"any_lenses or any_apertures in the stage {self.name!r}, which trains the picture",
                'them with rendering = "none"',
            )
        if not self.sizes:
            raise UsageError("sizes is empty", "at least one HxW")
        for size in self.parsed_sizes():
            _check_size(size)

    def parsed_sizes(self) -> tuple[Size, ...]:
        """The sizes as sizes."""
        return tuple(Size.parse(text) for text in self.sizes)

    @property
    def renders(self) -> bool:
        """Whether this stage trains the picture."""
        return self.rendering != "none"

    @property
    def losses(self) -> tuple[str, ...]:
        """Those of `LossWeights` that judge this stage."""
        picture = PICTURE_LOSSES if self.renders else ()
        change = ("temporal_depth", "temporal") if self.renders else ("temporal_depth",)
        return (*DEPTH_LOSSES, *picture, *(change if self.frames > 1 else ()))


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run: variant, stages in order, losses, optimiser.

    perceptual_file: weights for "vgg19", in torchvision's names; "efficientnet_lite0" takes its
    own from the package. log_every, snapshot_every: in steps; a snapshot is a weights file of the
    averaged weights, kept. ablation: the idea that the network goes without, see
    `bokehflow.training.ablate`. initial_weights: what the first step starts from, a weights file or
    "shipped" for those that come with the package; seeded weights when empty. learns: the parts of
    the network that learn, as `Network` names them, such as "refine", or "depth_blocks.5" for one
    of several; all when empty. What does not learn stays as it began, and its gradients are not
    computed.
    """

    stages: tuple[StageConfig, ...]
    variant: str = "nano"
    seed: int = 0
    canonical_fov_deg: float = CANONICAL_FOV_DEG
    ema_decay: float = 0.999
    perceptual_network: str = "efficientnet_lite0"
    perceptual_file: str = ""
    log_every: int = 50
    snapshot_every: int = 5000
    checkpoint_minutes: float = 5.0
    ablation: str = "none"
    initial_weights: str = ""
    learns: tuple[str, ...] = ()
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    losses: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        find_variant(self.variant)
        if not self.stages:
            raise UsageError("no stage", "at least one [[stages]] table")
        for stage in self.stages:
            if not any(getattr(self.losses, name) for name in stage.losses):
                raise UsageError(
                    f"losses that all weigh 0 in the stage {stage.name!r}",
                    f"one above 0 of {', '.join(stage.losses)}",
                )
        for name in ("log_every", "snapshot_every"):
            _at_least(name, getattr(self, name), 1)
        _at_least("seed", self.seed, 0)
        if self.seed > LARGEST_SEED:
            raise UsageError(f"seed={self.seed}", f"at most {LARGEST_SEED}")
        require_field_of_view("canonical_fov_deg", self.canonical_fov_deg)
        _within("ema_decay", self.ema_decay, 0.0, 1.0)
        _above_zero("checkpoint_minutes", self.checkpoint_minutes)
        check_ablation(self.ablation)
        if self.initial_weights and self.ablation != NONE:
            raise UsageError(
                f"initial_weights={self.initial_weights!r} for a network with an ablation",
                "none: weights of a whole network do not fit",
            )
        if self.perceptual_network not in PERCEPTUAL_NETWORKS:
            raise UnknownNameError(
                "perceptual network", self.perceptual_network, PERCEPTUAL_NETWORKS
            )
        if (self.perceptual_network == "vgg19") != bool(self.perceptual_file):
            raise UsageError(
                f"perceptual_file={self.perceptual_file!r} for {self.perceptual_network}",
                "a weights file for vgg19, none for efficientnet_lite0",
            )

    @property
    def total_steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)


def _check_size(size: Size) -> None:
    if size.height % TOKEN_STRIDE or size.width % TOKEN_STRIDE:
        raise SizeError(f"training size {size}", f"multiples of {TOKEN_STRIDE}")
    if min(size.height, size.width) < SMALLEST_SIDE_PX:
        raise SizeError(f"training size {size}", f"sides of at least {SMALLEST_SIDE_PX} px")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{name}={value}", f"at least {least}")


def _above_zero(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{name}={value}", "a finite number above 0")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise UsageError(f"{name}={value}", f"a finite number from {low:g} to {high:g}")
