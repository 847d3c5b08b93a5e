from __future__ import annotations

import importlib
import importlib.metadata
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from bokehflow.benchmarks.latency.host import EXTRAS
from bokehflow.cli import doctor
from tests.cli.runner import Bfx

ROOT = Path(__file__).resolve().parents[2]


def _pretend(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    real = doctor.installed_version
    monkeypatch.setattr(
        doctor,
        "installed_version",
        lambda name: versions[name] if name in versions else real(name),
    )


def test_the_list_agrees_with_what_the_package_requires() -> None:
    required: dict[str, set[str]] = {}
    for line in importlib.metadata.requires("bokehflow") or []:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        assert name is not None
        if extra is None or extra[1] != "dev":
            required.setdefault(name[0].lower(), set()).add(extra[1] if extra else "")
    # No extra can put a package in another's place.
    brought = [package for package in doctor.PACKAGES if not package.instead_of]
    assert {package.name for package in brought} == set(required) - {doctor.GPU_TWIN}
    for package in brought:
        assert package.extra in required[package.name], package.name


def test_a_whole_base_install_is_exit_0(bfx: Bfx) -> None:
    completed = bfx("doctor", "--json")
    assert completed.exit_code == 0
    assert completed.document["ok"] is True
    versions = {item["name"]: item["version"] for item in completed.document["packages"]}
    assert versions["torch"] == importlib.metadata.version("torch")
    assert "CPUExecutionProvider" in completed.document["devices"]["onnxruntime_providers"]


def test_a_missing_extra_is_told_with_its_pip_line_and_is_no_failure(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend(monkeypatch, openvino=None)
    completed = bfx("doctor")
    assert completed.exit_code == 0
    assert "pip install 'bokehflow[openvino]'" in completed.stdout


def test_a_missing_base_package_is_exit_3(bfx: Bfx, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, av=None)
    completed = bfx("doctor")
    assert completed.exit_code == 3
    assert "pip install av" in completed.stdout


def test_both_builds_of_onnx_runtime_are_a_fault(bfx: Bfx, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, **{"onnxruntime-gpu": "1.31.1"})
    completed = bfx("doctor", "--json")
    assert completed.exit_code == 1
    assert "onnxruntime-gpu" in completed.document["faults"][0]


def test_the_gpu_build_alone_serves(bfx: Bfx, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, **{"onnxruntime-gpu": "1.31.1", "onnxruntime": None})
    assert bfx("doctor", "--json").exit_code == 0


def test_the_gpu_build_is_installed_in_place_of_the_other(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend(monkeypatch, **{"onnxruntime-gpu": None})
    completed = bfx("doctor", "--json")
    assert completed.exit_code == 0
    (row,) = (r for r in completed.document["packages"] if r["name"] == "onnxruntime-gpu")
    assert row["install"] == "pip uninstall onnxruntime && pip install onnxruntime-gpu"
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = pyproject["project"]["optional-dependencies"].values()
    assert not [line for extra in extras for line in extra if "onnxruntime" in line]


@pytest.mark.parametrize(
    ("package", "error"),
    [
        ("torch", OSError("libtorch_global_deps.so: cannot open shared object file")),
        ("torch", ImportError("DLL load failed")),
        ("onnxruntime", ImportError("DLL load failed")),
    ],
    ids=["library of torch", "torch", "onnxruntime"],
)
def test_a_package_that_is_broken_is_told_as_one(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch, package: str, error: Exception
) -> None:
    real = importlib.import_module

    def broken(name: str) -> ModuleType:
        if name == package:
            raise error
        return real(name)

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    completed = bfx("doctor")
    assert completed.exit_code == 0
    assert f"broken, install it again ({error})" in completed.stdout


def test_benchmarks_name_the_extras_that_it_names() -> None:
    told = {package.name: package.extra for package in doctor.PACKAGES}
    assert {name: told[name] for name in EXTRAS} == EXTRAS
