"""One hash of everything that the measured graphs and the measuring come from."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_WATCHED = (
    "bokehflow/scan",
    "bokehflow/kernels",
    "bokehflow/layers",
    "bokehflow/rendering",
    "bokehflow/weights",
    "bokehflow/network.py",
    "bokehflow/pipeline.py",
    "export",
    "benchmarks/latency",
    "benchmarks/suite",
)
_SUFFIXES = (".py", ".safetensors")


def source_sha256() -> str:
    """SHA-256 over the names and bytes of the sources and of the weights that ship."""
    digest = hashlib.sha256()
    for name in _WATCHED:
        watched = ROOT / name
        for path in sorted(watched.rglob("*")) if watched.is_dir() else [watched]:
            if path.suffix in _SUFFIXES:
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
