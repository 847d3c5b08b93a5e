"""Every error a user of BokehFlow can meet, and the exit code the command line gives it.

BokehFlowError                    1
├── CheckError                   1   a parity bar, budget or hash check did not hold
├── UsageError                    2   what was asked for does not make sense
│   ├── LensError                 2   a lens that no glass could be
│   ├── UnknownNameError          2   a variant, target, runtime or recipe that does not exist
│   └── SizeError                 2   frame or network sizes that do not fit together
├── InputError                    2   a file that cannot be read as what it should be
│   ├── MediaError                2   a photo, video or depth map
│   ├── WeightsError              2   a weights file
│   └── ArtifactError             2   an exported artifact or its manifest
├── OutputError                   2   a place that cannot be written
├── DeviceError                   2   another machine that cannot be reached or used
├── NumericalError                1   values that are not finite where they must be
└── MissingDependencyError        3   a runtime or extra that is not installed

A message always says what was found, what was expected and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

EXIT_INTERRUPTED = 130
"""Of what Ctrl-C ended: 128 and the number of its signal, as in a shell."""


class BokehFlowError(Exception):
    """The base of every error raised on purpose. `exit_code` is what `bfx` returns."""

    exit_code = 1

    def __init__(self, found: str, expected: str = "", remedy: str = "") -> None:
        self.found, self.expected, self.remedy = found, expected, remedy
        parts = [found]
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        super().__init__("; ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        # Errors of worker processes travel to the one that tells the user; subclasses are made of
        # other things than the parts of their message.
        return _rebuilt, (type(self), self.found, self.expected, self.remedy), vars(self)


def _rebuilt(kind: type[BokehFlowError], *parts: str) -> BokehFlowError:
    error = kind.__new__(kind)
    BokehFlowError.__init__(error, *parts)
    return error


class CheckError(BokehFlowError):
    """A measured value missed its bar: parity, a budget, a hash."""


class NumericalError(BokehFlowError):
    """Values that are not finite where finite values are promised."""


class UsageError(BokehFlowError):
    """A request that makes no sense as it stands."""

    exit_code = 2


class LensError(UsageError):
    """Lens values that no real lens can have."""


class SizeError(UsageError):
    """Frame and network sizes that do not fit the model or each other."""


class UnknownNameError(UsageError):
    """A name that is not in its list. The message names the nearest one that is."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        names = list(known)
        super().__init__(
            f"unknown {kind} {name!r}", "one of " + ", ".join(names), did_you_mean(name, names)
        )


def did_you_mean(name: object, known: Sequence[str]) -> str:
    """The question after the nearest of the known names; empty where none is near."""
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


class InputError(BokehFlowError):
    """A file that cannot be read as what it should be."""

    exit_code = 2


class MediaError(InputError):
    """A photo, video or depth map that cannot be used."""


class WeightsError(InputError):
    """A weights file that is damaged or belongs to another variant."""


class ArtifactError(InputError):
    """An exported artifact that is damaged or does not match its manifest."""


class OutputError(BokehFlowError):
    """A place that cannot be written."""

    exit_code = 2


class DeviceError(BokehFlowError):
    """Another machine that cannot be reached, or cannot be used when it is."""

    exit_code = 2


class MissingDependencyError(BokehFlowError):
    """A runtime or extra that is not installed here."""

    exit_code = 3

    def __init__(self, package: str, extra: str | None, purpose: str, remedy: str = "") -> None:
        """extra: what brings the package, None for itself alone. remedy: how to install what pip
        does not."""
        self._tell({package: extra}, purpose, remedy)

    @classmethod
    def of_several(cls, packages: Mapping[str, str | None], purpose: str) -> MissingDependencyError:
        """Of all that is missing at once: packages, each with the extra that brings it."""
        error = cls.__new__(cls)
        error._tell(packages, purpose, "")
        return error

    def _tell(self, packages: Mapping[str, str | None], purpose: str, remedy: str) -> None:
        self.packages = dict(packages)
        names = " and ".join(repr(name) for name in packages)
        noun, verb = ("package", "is") if len(packages) == 1 else ("packages", "are")
        super().__init__(
            f"{purpose} needs the {noun} {names}, which {verb} not installed",
            remedy=remedy or install_line(packages),
        )


def install_line(packages: Mapping[str, str | None]) -> str:
    """The command that installs packages, each with the extra that brings it or None."""
    extras = ",".join(dict.fromkeys(extra for extra in packages.values() if extra is not None))
    alone = [name for name, extra in packages.items() if extra is None]
    return " ".join(["pip install", *([f"'bokehflow[{extras}]'"] if extras else []), *alone])
