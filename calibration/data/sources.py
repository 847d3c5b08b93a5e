"""One name for every way to make a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.layered_clip import LayeredGroup
from bokehflow.calibration.data.material import Material
from bokehflow.calibration.data.request import DataRequest
from bokehflow.calibration.data.traced_clip import TracedScene, require_tracing


class Group(Protocol):
    """The scene, or scenes, of a group of clips."""

    def clip(self, index: int) -> Clip:
        """The clip of this number."""


def open_group(request: DataRequest, source: str, group: int, material: Material) -> Group:
    """Build what the clips of a group share. Raises what the source needs and is not there."""
    if source == "layered":
        return LayeredGroup(request, group, material)
    return TracedScene(request, source, group)


def require_sources(sources: Sequence[str]) -> None:
    """Raise MissingDependencyError or InputError where a source cannot be made here."""
    if any(source != "layered" for source in sources):
        require_tracing()
