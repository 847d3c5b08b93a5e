"""A set of calibration samples: what an artifact is fed, frame by frame, with carried states.

One compressed `.npz` a set. The same set gives the same hash, wherever and whenever it is made.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehflow.atomic import atomic_file
from bokehflow.damage import ARCHIVE_DAMAGE, damage_in
from bokehflow.errors import InputError
from bokehflow.layers.temporal import State
from bokehflow.typed_json import typed

SCHEMA = 1
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SampleSet:
    """`n` samples: a frame, a lens, and the state that the frames before it left.

    frames: uint8 [n, H, W, 3] sRGB. lenses: float32 [n, 4] as `optics.LENS_FIELDS`. states: float32
    [n, ...] for each field of `layers.temporal.State`, what goes in with the frame. facts: JSON
    data: where each frame comes from, what was left out, statistics.
    """

    frames: npt.NDArray[np.uint8]
    lenses: Float32
    states: Mapping[str, Float32]
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.frames)

    def feeds(self, index: int) -> dict[str, Float32]:
        """One sample as an artifact's inputs, batch 1."""
        pixels = self.frames[index].astype(np.float32) / np.float32(255.0)
        carried = {f"state_{name}": self.states[name][index][None] for name in State._fields}
        return {
            "image": np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]),
            "lens": self.lenses[index][None],
            **carried,
        }

    def sha256(self) -> str:
        """Hash of what is fed: pictures, lenses and states, but not of the facts about them."""
        digest = hashlib.sha256()
        for name, array in self._arrays().items():
            digest.update(f"{name} {array.shape} {array.dtype}".encode() + b"\0")
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def _arrays(self) -> dict[str, npt.NDArray[Any]]:
        states = {f"state_{name}": self.states[name] for name in State._fields}
        return {"frames": self.frames, "lenses": self.lenses, **states}

    def save(self, path: Path) -> None:
        """Write the set. Raises OutputError where it cannot be written."""
        facts = {"schema": SCHEMA, "sha256": self.sha256(), **self.facts}
        text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
        # Into memory first: NumPy does not notice when an array no longer fits on the disk.
        content = io.BytesIO()
        np.savez_compressed(content, facts=text, **self._arrays())  # type: ignore[arg-type]
        with atomic_file(path) as hidden:
            hidden.write_bytes(content.getbuffer())


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """What a set says of itself, as a record of a quantization tells it."""

    source: str
    seed: int
    origins: list[dict[str, Any]]
    left_out: list[str]
    statistics: dict[str, Any]


def load_samples(path: Path) -> SampleSet:
    """Read a set. Raises InputError for a file that is missing, damaged or of another schema."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            facts = json.loads(stored["facts"].tobytes())
            found, expected = facts.pop("schema"), facts.pop("sha256")
            states = {name: stored[f"state_{name}"] for name in State._fields}
            typed(SampleFacts, facts, "facts")
            samples = SampleSet(stored["frames"], stored["lenses"], states, facts)
    except ARCHIVE_DAMAGE as error:
        raise InputError(
            f"the calibration samples {path} cannot be read: {damage_in(error)}",
            "a file that bfx quantize wrote",
            "delete it, and they are made again",
        ) from error
    except InputError as error:
        raise InputError(
            f"the calibration samples {path} cannot be read: {error.found}",
            error.expected,
            "delete it, and they are made again",
        ) from error
    if found != SCHEMA or samples.sha256() != expected:
        raise InputError(
            f"the calibration samples {path} are of another schema or were changed",
            remedy="delete the file, and they are made again",
        )
    return samples
