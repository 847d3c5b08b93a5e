"""What quantization costs against truth, on scenes that no calibration sees.

Layered scenes have an exact truth. They are traced small, in the frame's shape, and enlarged, frame
and truth alike: blur grows with the width, so that an enlarged scene is still one scene through one
lens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bokehflow.calibration.frames import resized
from bokehflow.calibration.sample_making import HELD_OUT_SEED
from bokehflow.calibration.scenes import make_scene
from bokehflow.export import Manifest
from bokehflow.optics import Lens
from bokehflow.runtimes import Session
from bokehflow.runtimes.carried_state import Playback, require_finite
from bokehflow.runtimes.comparison import frame_difference, psnr_db, rounded_down
from bokehflow.specs import Size

HELD_OUT_KINDS = ("portrait", "leaves", "occluder", "ground")
FRAMES = 2
"""The second frame of a still scene starts from the state of the first; it is the one judged."""
_TRACED_SIDE_PX = 128
"""The shorter side of a traced scene."""
_LENS_SAMPLES = 256

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class HeldScene:
    """frame, truth: float32 [1, 3, H, W] sRGB 0..1."""

    name: str
    frame: Float32
    lens: Lens
    truth: Float32


@dataclass(frozen=True, slots=True)
class Loss:
    """A quantized artifact against the one it was made from, over the held-out scenes.

    drop_db: mean loss of bokeh PSNR against truth. parity_db: the worst scene's bokeh PSNR against
    the source artifact. depth_sqnr_db: the worst scene's, of inverse depth.
    """

    drop_db: float
    parity_db: float
    depth_sqnr_db: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a quantized artifact may lose: of bokeh PSNR against truth, on average, and how near to
    its source it must stay on the worst scene."""

    max_drop_db: float
    parity_db: float

    def met_by(self, loss: Loss) -> bool:
        """Whether both hold."""
        return loss.drop_db <= self.max_drop_db and loss.parity_db >= self.parity_db

    def excess(self, loss: Loss) -> float:
        """How far beyond the limits, in decibels; for choosing the best of what does not meet."""
        return max(loss.drop_db - self.max_drop_db, 0.0) + max(self.parity_db - loss.parity_db, 0.0)


@lru_cache(maxsize=1)
def held_out_scenes(size: Size) -> tuple[HeldScene, ...]:
    """One scene of each of HELD_OUT_KINDS at a size, traced in its shape: disks stay round.

    Kept for the next artifact of that size: not to be written to.
    """
    height = round(_TRACED_SIDE_PX * max(1.0, size.height / size.width))
    width = round(_TRACED_SIDE_PX * max(1.0, size.width / size.height))
    scenes = []
    for kind in HELD_OUT_KINDS:
        scene = make_scene(kind, HELD_OUT_SEED, height, width, samples=_LENS_SAMPLES)
        frame, truth = (resized(x, size).numpy() for x in (scene.frame, scene.truth))
        scenes.append(HeldScene(kind, frame, scene.lens, truth))
    return tuple(scenes)


class HeldOut:
    """Measures losses against one source artifact, whose outputs are computed once."""

    def __init__(self, manifest: Manifest, source: Session) -> None:
        self._manifest = manifest
        self._scenes = held_out_scenes(manifest.frame_size)
        self._expected = [self._judged(source, scene) for scene in self._scenes]
        self._glanced = self._judged(source, self._scenes[0], frames=1)

    def loss(self, test: Session) -> Loss:
        """What a quantized artifact loses over all scenes."""
        return overall(self.losses(test, range(len(self._scenes))))

    def losses(self, test: Session, scenes: Iterable[int]) -> list[Loss]:
        """What it loses on some of them, by their places in HELD_OUT_KINDS, each scene from the
        first state on."""
        return [self._lost(test, self._scenes[i], self._expected[i]) for i in scenes]

    def _lost(self, test: Session, scene: HeldScene, expected: dict[str, Float32]) -> Loss:
        found = self._judged(test, scene)
        before, after = (psnr_db(scene.truth, out["bokeh"]) for out in (expected, found))
        moved = frame_difference(expected, found)
        return Loss(before - after, moved.bokeh_psnr_db, moved.depth_sqnr_db)

    def glance(self, test: Session) -> float:
        """Mean squared error of one frame's bokeh against the source's, to compare many."""
        found = self._judged(test, self._scenes[0], frames=1)
        error = self._glanced["bokeh"].astype(np.float64) - found["bokeh"]
        return float(np.mean(np.square(error)))

    def _judged(
        self, session: Session, scene: HeldScene, frames: int = FRAMES
    ) -> dict[str, Float32]:
        """The outputs of a scene's last frame. Raises NumericalError where one is not finite."""
        playback = Playback(self._manifest, session)
        for _ in range(frames):
            outputs = playback.show(scene.frame, scene.lens)
        require_finite(outputs, f"the scene {scene.name}")
        return outputs


def overall(losses: Sequence[Loss]) -> Loss:
    """The mean of what is lost against truth; of the others the worst."""
    return Loss(
        -rounded_down(-float(np.mean([loss.drop_db for loss in losses])), digits=4),
        rounded_down(min(loss.parity_db for loss in losses)),
        rounded_down(min(loss.depth_sqnr_db for loss in losses)),
    )
