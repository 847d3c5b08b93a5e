"""What one ML Program operation was given, handed to its handler by name.

Handlers read inputs through this object and it remembers which they read: an input that nobody
looked at is one whose meaning the evaluator ignored, and the evaluator refuses to do that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.mil_evaluator.program import Variable

Value = Tensor | str | tuple[Tensor, ...]
"""A bound input: a tensor (constants too), a text constant, or the list of `concat` and `stack`."""


class Operands:
    """The inputs of one operation by name. Every accessor marks its input as consumed."""

    def __init__(
        self, kind: str, values: Mapping[str, Value], results: tuple[Variable, ...]
    ) -> None:
        self.kind = kind
        self.results = results
        self._values = values
        self._unread = set(values)

    @property
    def shape(self) -> tuple[int, ...]:
        """The declared shape of the (first) output."""
        return self.results[0].shape

    @property
    def dtype(self) -> torch.dtype:
        """The declared dtype of the (first) output."""
        return self.results[0].dtype

    @property
    def unread(self) -> set[str]:
        """Names of inputs that no accessor has been asked for."""
        return self._unread

    def has(self, name: str) -> bool:
        """Whether an optional input was given. Does not consume it."""
        return name in self._values

    def tensor(self, name: str) -> Tensor:
        """The input as stored, in its declared dtype: for operations that only move values."""
        value = self._take(name)
        if not isinstance(value, Tensor):
            raise ArtifactError(
                f"input {name!r} of {self.kind} is {type(value).__name__}", "tensor"
            )
        return value

    def real(self, name: str) -> Tensor:
        """The input ready for arithmetic: floating point as float32, integers as they are."""
        return _as_real(self.tensor(name))

    def optional_real(self, name: str) -> Tensor | None:
        """As `real`, or None where the input was not given."""
        return self.real(name) if self.has(name) else None

    def tensors(self, name: str) -> tuple[Tensor, ...]:
        """The input of an operation that takes a list."""
        value = self._take(name)
        if not isinstance(value, tuple):
            raise ArtifactError(f"input {name!r} of {self.kind} is one value", "a list of tensors")
        return value

    def text(self, name: str) -> str:
        """A string constant."""
        value = self._take(name)
        if not isinstance(value, str):
            raise ArtifactError(f"input {name!r} of {self.kind} is {type(value).__name__}", "text")
        return value

    def integers(self, name: str) -> list[int]:
        """A vector of integers (a scalar gives one)."""
        return [int(number) for number in self.tensor(name).reshape(-1).tolist()]

    def integer(self, name: str) -> int:
        """A scalar integer."""
        return int(self.tensor(name).item())

    def number(self, name: str) -> float:
        """A scalar."""
        return float(self.tensor(name).item())

    def flag(self, name: str) -> bool:
        """A scalar truth value."""
        return bool(self.tensor(name).item())

    def flags(self, name: str, count: int) -> list[bool]:
        """A vector of truth values; all false where the optional input was not given."""
        return [bool(flag) for flag in self.integers(name)] if self.has(name) else [False] * count

    def _take(self, name: str) -> Value:
        if name not in self._values:
            raise ArtifactError(f"operation {self.kind} without its input {name!r}")
        self._unread.discard(name)
        return self._values[name]


def reals(tensors: Sequence[Tensor]) -> list[Tensor]:
    """`Operands.real` for a list."""
    return [_as_real(tensor) for tensor in tensors]


def _as_real(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
