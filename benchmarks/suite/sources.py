"""Hashes of everything that the measured graphs and the measuring come from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import bokehflow
from bokehflow.benchmarks.latency.runner.host import describe_host
from bokehflow.export.artifacts.manifest import tool_versions
from bokehflow.installed import installed_versions

PACKAGE = Path(bokehflow.__file__).resolve().parent
"""Holds every subpackage, installed or in a checkout, where some of them are links."""
WATCHED = (
    "scan",
    "kernels",
    "layers",
    "rendering",
    "weights",
    "engines",
    "export",
    "benchmarks/latency",
    "benchmarks/suite",
)
_TOP_LEVELS = (".", "calibration")
"""Folders of which no others are watched; of the second come the pictures and lenses."""
_SUFFIXES = (".py", ".safetensors")
_RUNTIMES = ("numpy", "onnxruntime", "onnxruntime-gpu", "triton")
"""Packages that measured graphs run in, beside those they are made with."""


def watched_files() -> list[Path]:
    """The sources, and the weights that ship."""
    folders = [path for name in WATCHED for path in (PACKAGE / name).rglob("*")]
    files = [path for name in _TOP_LEVELS for path in (PACKAGE / name).glob("*.py")] + folders
    return sorted(path for path in files if path.suffix in _SUFFIXES)


def source_sha256() -> str:
    """SHA-256 over the names and bytes of `watched_files`."""
    digest = hashlib.sha256()
    for path in watched_files():
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def kept_name(source: str) -> str:
    """What names the rows and models that are kept of a run: they are of these sources (their
    hash), of the installed versions of what makes and runs the graphs, and of this machine."""
    facts = {"source": source, **tool_versions(), **installed_versions(_RUNTIMES), **_machine()}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _machine() -> dict[str, object]:
    host = describe_host()
    return {name: host[name] for name in ("processor", "cpu_count", "gpu")}
