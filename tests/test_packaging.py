"""The wheel holds every module under `bokehflow` and nothing beside it, the sdist what README shows
and begins with."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("calibration", "export", "runtimes", "quantize", "benchmarks")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with an sdist of what git tracks, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in tracked:
        origin, copy = ROOT / name, source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_symlink():
            copy.symlink_to(origin.readlink())
        elif origin.is_file():
            copy.write_bytes(origin.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)],
        capture_output=True,
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> list[str]:
    """Names of the files in the wheel."""
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


@pytest.fixture(scope="module")
def sdist(built: Path) -> set[str]:
    """Names of the files in the sdist, from its root."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers()}


def expected_modules() -> set[str]:
    """Every module of the repository under the name it is imported by."""
    own = {p.relative_to(ROOT) for p in (ROOT / "bokehflow").rglob("*.py")}
    linked = {
        Path("bokehflow") / p.relative_to(ROOT)
        for name in LINKED
        for p in (ROOT / name).rglob("*.py")
    }
    return {path.as_posix() for path in own | linked}


def test_wheel_holds_every_module_once(wheel: list[str]) -> None:
    modules = [name for name in wheel if name.endswith(".py")]
    assert set(modules) == expected_modules()
    assert len(modules) == len(set(modules))
    assert "bokehflow/py.typed" in wheel


def test_wheel_installs_no_other_top_level_package(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bokehflow"}


def test_wheel_holds_no_results(wheel: list[str]) -> None:
    assert not [name for name in wheel if "results/" in name]


def test_sdist_holds_what_readme_begins_with_and_what_it_shows(sdist: set[str]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)}
    files = {target for target in linked if target and "://" not in target}
    assert "benchmarks/results/report.png" in files
    assert {"Makefile", "requirements.txt", "CHANGELOG.md", "CONTRIBUTING.md"} <= sdist
    assert files - sdist == set()


def test_every_package_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {Path(module).parent.as_posix().replace("/", ".") for module in expected_modules()}
    assert listed == found


@pytest.mark.parametrize("name", LINKED)
def test_linked_folders_are_one_package_from_the_root(name: str) -> None:
    assert (ROOT / "bokehflow" / name).resolve() == ROOT / name
    done = subprocess.run(
        [sys.executable, "-c", f"import bokehflow.{name} as m; print(m.__name__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"bokehflow.{name}"


def test_import_is_lean() -> None:
    heavy = ("torch", "onnx", "onnxruntime", "openvino", "coremltools", "triton", "numba", "av")
    script = f"import sys, bokehflow; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    engines = ("onnxruntime", "openvino", "coremltools", "triton", "numba")
    script = (
        "import sys, bokehflow; bokehflow.load_model; bokehflow.render;"
        f"print([m for m in {engines!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
