"""Which ways of carrying the state a graph can have that is the same for every frame."""

from __future__ import annotations

from bokehflow.export.config import ExportConfig
from bokehflow.export.lowering.segments import require_one_pass
from bokehflow.kernels.checks import require_whole_lines
from bokehflow.layers.segments import TemporalConfig
from bokehflow.specs import TOKEN_STRIDE


def require_exportable(temporal: TemporalConfig, config: ExportConfig) -> None:
    """Raise UsageError where a graph cannot carry the state so, SizeError where the segments do not
    fit the size at which the network sees a frame."""
    require_one_pass(temporal)
    size = config.network_size
    rows, columns = size.height // TOKEN_STRIDE, size.width // TOKEN_STRIDE
    require_whole_lines(rows, columns, temporal.segments)
