"""What commands and functions take where nothing is said. Imports nothing that `bfx --help` would
have to wait for."""

from __future__ import annotations

from pathlib import Path

OUTPUT_DIR = Path("dist")
"""Where exports are written."""
TRUTH_LOSS_DB = 0.3
"""Bokeh PSNR against truth that a quantized artifact may lose: what recipes keep, and what reports
call a bar."""
