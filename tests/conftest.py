"""What must hold before any test module is imported, and the exports that many tests look at."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import torch

from bokehflow.telemetry import send_nothing

if TYPE_CHECKING:
    from bokehflow.export import Artifact

# Without a GPU the Triton kernels run in Triton's interpreter. It is chosen when Triton is first
# imported, which some test module may do before the kernels' own tests.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Tests import engines by themselves.
send_nothing()

# A shell has what it starts in the background ignore SIGINT, and so would every process that a test
# starts in order to interrupt it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """Nano at 96x160, full network size, for every target. To be read, never written."""
    from bokehflow.export import TARGETS, ExportConfig, as_target, export_each
    from bokehflow.model import load_model
    from bokehflow.specs import Size

    folder, model, size = tmp_path_factory.mktemp("artifacts"), load_model("nano"), Size(96, 160)
    configs = [ExportConfig(as_target(target), size, size) for target in TARGETS]
    return dict(zip(TARGETS, export_each(model, configs, folder), strict=True))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests that look at the same artifacts in one process: making them takes long."""
    for item in items:
        for made in ("artifacts", "tiny_artifacts"):
            if made in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(made))
