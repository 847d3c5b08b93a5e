"""What must hold before any test module is imported, and the exports that many tests look at."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from bokehflow.export import Artifact

# Without a GPU the Triton kernels run in Triton's interpreter. It is chosen when Triton is first
# imported, which some test module may do before the kernels' own tests.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """Nano at 96x160, full network size, for every target. To be read, never written."""
    from bokehflow.export import TARGETS, ExportConfig, as_target, export_each
    from bokehflow.model import load_model
    from bokehflow.specs import Size

    folder, model, size = tmp_path_factory.mktemp("artifacts"), load_model("nano"), Size(96, 160)
    configs = [ExportConfig(as_target(target), size, size) for target in TARGETS]
    return dict(zip(TARGETS, export_each(model, configs, folder), strict=True))
