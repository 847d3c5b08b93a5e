"""Which packages are installed."""

from __future__ import annotations

import importlib.metadata

from bokehflow.installed import installed_version, installed_versions


def test_what_is_not_installed_has_no_version() -> None:
    known = importlib.metadata.version("numpy")
    assert installed_version("numpy") == known
    assert installed_version("no-such-package") is None
    assert installed_versions(["no-such-package", "numpy"]) == {"numpy": known}
