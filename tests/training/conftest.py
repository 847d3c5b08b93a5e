"""What several tests of training share."""

from __future__ import annotations

import pytest

from bokehflow.calibration.data.folder import FoundClips, find_clips
from bokehflow.calibration.data.split import TRAIN
from tests.training.samples import use_tiny_variant, write_clips


@pytest.fixture
def tiny_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let "nano" be the tiny one."""
    use_tiny_variant(monkeypatch)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> FoundClips:
    """Three training clips of two frames."""
    return find_clips(write_clips(tmp_path_factory.mktemp("clips") / "data", 3, frames=2), TRAIN)
