"""A scene described without a renderer: furniture where it stands, flat surfaces, and light."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.furniture import Furniture
from bokehflow.calibration.data.pose import Pose, inverse, moved, shift

Texture = npt.NDArray[np.float32]
"""Linear light [h, w, 3] in 0..1."""


@dataclass(frozen=True, eq=False)
class Quad:
    """A rectangle in the world: its lower left corner and two edges, in metres.

    texture repeats, mirrored, every repeat_m metres; None fits it to the rectangle once. radiance:
    light it gives off [3], instead of a texture.
    """

    corner_m: tuple[float, float, float]
    edge_u_m: tuple[float, float, float]
    edge_v_m: tuple[float, float, float]
    texture: Texture | None = None
    repeat_m: float | None = None
    radiance: tuple[float, float, float] | None = None


def solid(
    pose: Pose,
    corner_m: tuple[float, float, float],
    size_m: tuple[float, float, float],
    texture: Texture,
) -> list[Quad]:
    """The sides of a box, facing out, each covered once. Its lowest corner and size are in a pose's
    axes."""
    x, y, z = (np.diag(size_m)[axis] for axis in range(3))
    low = np.array(corner_m)
    # Light is given off along u x v, of which a surface in ambient light has its share.
    sides = [
        (low + x, -x, y),
        (low, z, y),
        (low, x, z),
        (low + z, x, y),
        (low + x + z, -z, y),
        (low + y + z, x, -z),
    ]
    return [
        Quad(
            triple(pose[:3, :3] @ corner + pose[:3, 3]),
            triple(pose[:3, :3] @ u),
            triple(pose[:3, :3] @ v),
            texture,
        )
        for corner, u, v in sides
    ]


@dataclass(frozen=True, slots=True)
class Body:
    """A piece of furniture, standing still or moving steadily in its own axes a frame."""

    item: Furniture
    pose: Pose
    velocity_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_rate_deg: float = 0.0

    def pose_at(self, frame: int) -> Pose:
        """World from body at a frame."""
        return moved(self.pose, self.velocity_m, (0.0, self.yaw_rate_deg, 0.0), frame)

    @property
    def middle_m(self) -> npt.NDArray[np.float64]:
        """The middle of its box in the world, [3]."""
        result: npt.NDArray[np.float64] = (self.pose @ shift(0, self.item.size_m[1] / 2, 0))[:3, 3]
        return result

    def holds(self, point_m: npt.ArrayLike, gap_m: float) -> bool:
        """Whether a point lies in its box, grown by a gap on all sides."""
        place = inverse(self.pose) @ np.append(np.asarray(point_m, dtype=np.float64), 1.0)
        width, height, depth = self.item.size_m
        return bool(
            abs(place[0]) < width / 2 + gap_m
            and -gap_m < place[1] < height + gap_m
            and abs(place[2]) < depth / 2 + gap_m
        )


@dataclass
class Layout:
    """Everything in a scene. `bounds_m` is where a camera may stand: low and high x, y, z.

    sun: direction to the sun [3] where there is a sky, None indoors; turbidity: haze of that sky.
    ambient: light that has bounced about so often that it comes from everywhere: the radiance that
    it gives a white surface, 0 where sky and sun suffice.
    """

    bounds_m: tuple[tuple[float, float, float], tuple[float, float, float]]
    bodies: list[Body] = field(default_factory=list)
    quads: list[Quad] = field(default_factory=list)
    sun: tuple[float, float, float] | None = None
    turbidity: float = 3.0
    ambient: float = 0.0
    assets: list[Asset] = field(default_factory=list)

    def all_assets(self) -> tuple[Asset, ...]:
        """Whose work is in the scene, each once, by name."""
        return tuple(sorted({*self.assets, *(body.item.asset for body in self.bodies)}))


GAP_M = 0.03
"""Between things on a floor."""


@dataclass
class FloorPlan:
    """Rectangles of floor already taken, x and z in metres; keeps furniture apart."""

    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def take(self, x: float, z: float, width: float, depth: float) -> bool:
        """Take a rectangle around (x, z) if it is free, and say whether it was."""
        low_x, high_x = x - width / 2 - GAP_M, x + width / 2 + GAP_M
        low_z, high_z = z - depth / 2 - GAP_M, z + depth / 2 + GAP_M
        for other in self.taken:
            if low_x < other[1] and high_x > other[0] and low_z < other[3] and high_z > other[2]:
                return False
        self.taken.append((low_x, high_x, low_z, high_z))
        return True


def triple(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Three numbers as Python's own."""
    return float(values[0]), float(values[1]), float(values[2])


def footprint(item: Furniture, yaw_deg: float) -> tuple[float, float]:
    """Width and depth in metres of the upright box around a turned model."""
    c, s = abs(np.cos(np.radians(yaw_deg))), abs(np.sin(np.radians(yaw_deg)))
    width, _, depth = item.size_m
    return float(width * c + depth * s), float(width * s + depth * c)
