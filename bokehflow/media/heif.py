"""HEIC photos, as phones take them: Pillow reads them once the package pillow-heif is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bokehflow.errors import MissingDependencyError

_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
"""ISO/IEC 23008-12, table 1 and annex B: pictures coded as HEVC or not named more closely."""


def is_heif(path: Path) -> bool:
    """Whether a file begins as an HEIF picture does. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:] in _BRANDS


def register_heif(path: Path) -> None:
    """Let Pillow open HEIF pictures. Raises MissingDependencyError where it takes a package."""
    if importlib.util.find_spec("pillow_heif") is None:
        raise MissingDependencyError("pillow-heif", "heic", f"reading the HEIC picture {path}")
    import pillow_heif

    pillow_heif.register_heif_opener()
