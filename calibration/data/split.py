"""What training never sees: whole meshes, photos and cut-outs, chosen by their names.

A seed that is merely new shows the same chairs in another room. So every asset belongs to one side
for good, by a hash of its name, and a clip is made of the assets of its own side only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from bokehflow.errors import UnknownNameError

TRAIN, HELD_OUT = "train", "held-out"
SPLITS = (TRAIN, HELD_OUT)
HELD_OUT_ASSETS_PER_CENT = 12
HELD_OUT_EVERY = 10
"""One group of clips in so many is made of what is held out."""


def require_split(name: str) -> str:
    """The name. Raises UnknownNameError for what is no split."""
    if name not in SPLITS:
        raise UnknownNameError("split", name, SPLITS)
    return name


class Named(Protocol):
    """Anything with a name that stays the same wherever it is installed."""

    @property
    def name(self) -> str:
        """The name, such as `scopia/iron_bed`."""


T = TypeVar("T", bound=Named)


def split_of_name(name: str) -> str:
    """The side an asset of this name belongs to, for ever."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return HELD_OUT if int.from_bytes(digest[:4]) % 100 < HELD_OUT_ASSETS_PER_CENT else TRAIN


def split_of_group(group: int) -> str:
    """The side of a group of clips: the last of every `HELD_OUT_EVERY` is held out."""
    return HELD_OUT if group % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else TRAIN


def of_split(assets: Iterable[T], split: str) -> Sequence[T]:
    """Those of `assets` that belong to `split`, in their order."""
    return [asset for asset in assets if split_of_name(asset.name) == split]
