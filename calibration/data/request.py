"""What is asked of `bfx data make`."""

from __future__ import annotations

from dataclasses import dataclass

from bokehflow.calibration.data.clip import TRUTHS
from bokehflow.calibration.data.split import split_of_group
from bokehflow.defaults import CLIP_SIZE_PX
from bokehflow.errors import SizeError, UnknownNameError, UsageError

SOURCES = ("layered", "rooms", "outdoors", "workshops")
"""Layered composites, which need nothing but this package; and ray-traced furnished scenes."""
CLIPS_PER_GROUP = 8
"""So many clips, numbered in a row, are taken in one scene."""
MIN_SIDE_PX = 32


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What every clip of a folder has in common. height, width in pixels; frames a clip.

    photos_sha256, cutouts_sha256: of the user's own material (`material.Material`), empty for none.
    lens_views: whether frames through the lens are made too, most of the work of a traced clip;
    without them a clip can teach depth alone.
    Raises SizeError for sides below 32 pixels and UsageError for no frame or a negative seed.
    """

    height: int = CLIP_SIZE_PX[0]
    width: int = CLIP_SIZE_PX[1]
    frames: int = 1
    seed: int = 0
    photos_sha256: str = ""
    cutouts_sha256: str = ""
    lens_views: bool = True

    def __post_init__(self) -> None:
        if min(self.height, self.width) < MIN_SIDE_PX:
            raise SizeError(
                f"clips of {self.height}x{self.width} pixels", f"sides of at least {MIN_SIDE_PX}"
            )
        if self.frames < 1:
            raise UsageError(f"{self.frames} frames a clip", "at least 1")
        if self.seed < 0:
            raise UsageError(f"seed {self.seed}", "0 or more")

    @property
    def known(self) -> tuple[str, ...]:
        """Which of `clip.TRUTHS` its clips hold."""
        return TRUTHS if self.lens_views else tuple(name for name in TRUTHS if name != "bokeh")


@dataclass(frozen=True, slots=True)
class ClipKey:
    """Which clip: its source and its number there."""

    source: str
    index: int

    @property
    def group(self) -> int:
        """The scene that it is taken in."""
        return self.index // CLIPS_PER_GROUP

    @property
    def split(self) -> str:
        """ "train" or "held-out"."""
        return split_of_group(self.group)

    @property
    def path(self) -> str:
        """Its file, relative to the data folder."""
        return f"{self.source}/{self.index:06d}.npz"


def parse_sources(text: str) -> tuple[str, ...]:
    """One source, several with commas between, or `all`. Raises UnknownNameError."""
    names = SOURCES if text == "all" else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in SOURCES:
            raise UnknownNameError("source", name, (*SOURCES, "all"))
    return tuple(dict.fromkeys(names))
