"""Which packages are installed; one that is missing, told from one that is there and broken."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

from bokehflow.errors import MissingDependencyError
from bokehflow.installed import installed_version, installed_versions, needs


def test_what_is_not_installed_has_no_version() -> None:
    known = importlib.metadata.version("numpy")
    assert installed_version("numpy") == known
    assert installed_version("no-such-package") is None
    assert installed_versions(["no-such-package", "numpy"]) == {"numpy": known}


def test_a_missing_package_is_named_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imported_name", None)
    wanted = r"the work needs the package 'a-name'.*pip install 'bokehflow\[extra\]'"
    with (
        pytest.raises(MissingDependencyError, match=wanted),
        needs("a-name", "extra", "the work", "imported_name"),
    ):
        import imported_name  # type: ignore[import-not-found] # noqa: F401


@pytest.mark.parametrize(
    "failure", [ModuleNotFoundError("no of_its_own", name="of_its_own"), ImportError("libc.so.9")]
)
def test_a_broken_package_is_not_called_missing(failure: ImportError) -> None:
    with pytest.raises(type(failure), match=str(failure)), needs("a-name", None, "the work"):
        raise failure
