"""Furniture in a room: along its walls, on them, anywhere, and on other furniture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bokehflow.calibration.data.furniture import Furniture
from bokehflow.calibration.data.layout import Body, FloorPlan, Layout, footprint
from bokehflow.calibration.data.pose import shift, turn

TRIES = 6
"""Places that are tried for a thing before it is left out."""
WALL_GAP_M = 0.02


@dataclass
class Furnishing:
    """A room being furnished, centred on x = z = 0; size_m: its width, height and depth."""

    layout: Layout
    rng: np.random.Generator
    size_m: tuple[float, float, float]
    plan: FloorPlan = field(default_factory=FloorPlan)

    def put(
        self,
        count: float | np.integer,
        items: Sequence[Furniture],
        way: Callable[[Furniture], object],
    ) -> None:
        """Put some items chosen at random in one of the ways below; none of none to choose from."""
        for _ in range(round(float(count)) if items else 0):
            way(items[int(self.rng.integers(len(items)))])

    def at_wall(self, item: Furniture) -> None:
        """With its back to one of the walls."""
        rng, (w, _, d) = self.rng, self.size_m
        for _ in range(TRIES):
            yaw = float(rng.choice([0.0, 90.0, 180.0, 270.0]))
            wide, deep = footprint(item, yaw)
            if not self._fits(wide, deep):
                continue
            x = rng.uniform(-0.5, 0.5) * (w - wide)
            z = rng.uniform(-0.5, 0.5) * (d - deep)
            x, z = self._against(yaw, x, z, wide, deep, WALL_GAP_M)
            if self.plan.take(x, z, wide, deep):
                self._stand(item, x, item.elevation_m, z, yaw)
                return

    def anywhere(self, item: Furniture) -> None:
        """Anywhere on the floor, turned by any angle."""
        rng, (w, _, d) = self.rng, self.size_m
        for _ in range(TRIES):
            yaw = float(rng.uniform(0.0, 360.0))
            wide, deep = footprint(item, yaw)
            if not self._fits(wide, deep):
                continue
            x, z = rng.uniform(-0.5, 0.5) * (w - wide), rng.uniform(-0.5, 0.5) * (d - deep)
            if self.plan.take(x, z, wide, deep):
                self._stand(item, x, 0.0, z, yaw)
                return

    def hung(self, item: Furniture) -> None:
        """On a wall, at the height the catalogue gives."""
        rng, (w, h, d) = self.rng, self.size_m
        yaw = float(rng.choice([0.0, 90.0, 180.0, 270.0]))
        wide, deep = footprint(item, yaw)
        if not self._fits(wide, deep) or item.elevation_m + item.size_m[1] > h - 0.02:
            return
        x = rng.uniform(-0.5, 0.5) * (w - wide)
        z = rng.uniform(-0.5, 0.5) * (d - deep)
        x, z = self._against(yaw, x, z, wide, deep, WALL_GAP_M / 2)
        self._stand(item, x, item.elevation_m, z, yaw)

    def put_on_tops(self, items: Sequence[Furniture]) -> None:
        """Two small things for every table or cupboard that stands there, on some of them."""
        tops = [body for body in self.layout.bodies if body.item.place_on_m is not None]
        self.put(2 * len(tops), items, lambda item: self._on_top(tops, item))

    def _on_top(self, tops: Sequence[Body], item: Furniture) -> None:
        rng = self.rng
        top = tops[int(rng.integers(len(tops)))]
        if top.item.place_on_m is None:
            return
        wide, _, deep = top.item.size_m
        aside = (rng.uniform(-0.3, 0.3) * wide, top.item.place_on_m, rng.uniform(-0.3, 0.3) * deep)
        pose = top.pose @ shift(*aside) @ turn(1, float(rng.uniform(0, 360)))
        self.layout.bodies.append(Body(item, pose))

    def _fits(self, wide: float, deep: float) -> bool:
        return wide <= self.size_m[0] - 0.1 and deep <= self.size_m[2] - 0.1

    def _against(
        self, yaw: float, x: float, z: float, wide: float, deep: float, gap: float
    ) -> tuple[float, float]:
        """The place (x, z) moved until the back of what stands there is a gap before a wall."""
        w, _, d = self.size_m
        x = {90.0: -(w - wide) / 2 + gap, 270.0: (w - wide) / 2 - gap}.get(yaw, x)
        z = {0.0: -(d - deep) / 2 + gap, 180.0: (d - deep) / 2 - gap}.get(yaw, z)
        return x, z

    def _stand(self, item: Furniture, x: float, y: float, z: float, yaw: float) -> None:
        pose = shift(float(x), y, float(z)) @ turn(1, yaw)
        self.layout.bodies.append(Body(item, pose))
