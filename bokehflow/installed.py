"""Which packages are installed here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bokehflow.errors import MissingDependencyError
from bokehflow.telemetry import send_nothing


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of those that are installed."""
    found = {name: installed_version(name) for name in names}
    return {name: known for name, known in found.items() if known is not None}


def imported(package: str, extra: str | None, purpose: str) -> Any:
    """An optional package, kept from telling anybody that it is used.

    extra, purpose: as `needs` has them. Raises MissingDependencyError where it is not installed.
    """
    send_nothing()
    with needs(package, extra, purpose):
        return import_module(package)


@contextlib.contextmanager
def needs(package: str, extra: str | None, purpose: str, module: str = "") -> Iterator[None]:
    """Raise MissingDependencyError where what is imported in here needs a package that is missing.

    Any other failure stays as it is: a package that is there and lacks one of its own is not
    mended by installing it. extra: what brings the package, None for itself alone. module: what it
    is imported as, if by another name.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != (module or package):
            raise
        raise MissingDependencyError(package, extra, purpose) from error
