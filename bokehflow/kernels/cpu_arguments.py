"""What a compiled step is given, by name: arrays, numbers, and tuples of them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from bokehflow.kernels.cpu_vectors import Vectors


class Arguments:
    """What an intrinsic was given, by name."""

    def __init__(
        self,
        context: Any,
        builder: Any,
        signature: Any,
        values: Any,
        names: tuple[tuple[str, ...], ...],
    ) -> None:
        """names: of every argument's parts; one that is no tuple has one part."""
        self._context, self._builder = context, builder
        self._found: dict[str, tuple[Any, Any]] = {}
        for kind, value, parts in zip(signature.args, values, names, strict=True):
            is_tuple = hasattr(kind, "types")
            kinds = list(kind.types) if is_tuple else [kind]
            items = cgutils.unpack_tuple(builder, value) if is_tuple else [value]
            self._found.update(zip(parts, zip(kinds, items, strict=True), strict=True))
        first_array = next(k for k, _ in self._found.values() if isinstance(k, types.Array))
        self.vectors = Vectors(builder, context.get_data_type(first_array.dtype))

    def value(self, name: str) -> Any:
        """An argument that is a number."""
        return self._found[name][1]

    def pointer(self, name: str, place: str | None = None, times: int = 1) -> Any:
        """To an array's element number `place` x `times`."""
        kind, value = self._found[name]
        data = self._context.make_array(kind)(self._context, self._builder, value=value).data
        if place is None:
            return data
        index = self._builder.mul(self.value(place), ir.Constant(self.value(place).type, times))
        return self._builder.gep(data, [index])

    def number(self, name: str, place: str) -> Any:
        """An array's element number `place`."""
        return self.vectors.scalar(self.pointer(name, place), 0)
