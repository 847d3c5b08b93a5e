"""Rows of small matrices as vectors of LLVM's intermediate representation.

A compiler left to find the vectors in loops over 16x16 numbers finds few of them, and on AVX2 none
worth having. LLVM splits a vector of any length into whatever registers the processor has.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

# Products may be fused with sums and sums reordered; NaNs and infinities stay what they are.
_FLAGS = ("contract", "reassoc", "nsz")
_NOT_REORDERED = ("contract", "nsz")
_INDEX = ir.IntType(32)
CACHE_LINE_BYTES = 64


class Vectors:
    """Writes arithmetic on vectors and scalars of one element type into a function."""

    def __init__(self, builder: ir.IRBuilder, element: ir.Type) -> None:
        """element: float or double."""
        self.builder, self.element = builder, element
        self.bytes = 8 if isinstance(element, ir.DoubleType) else 4

    def scalar(self, pointer: Any, index: int) -> Any:
        """The number at pointer[index]."""
        return self.builder.load(self._at(pointer, index), align=self.bytes)

    def row(self, pointer: Any, size: int, index: int = 0) -> Any:
        """The `index`-th of consecutive vectors of `size` numbers."""
        return self.builder.load(self._row_at(pointer, size, index), align=self.bytes)

    def store_row(self, value: Any, pointer: Any, index: int = 0) -> None:
        """The way back."""
        place = self._row_at(pointer, value.type.count, index)
        self.builder.store(value, place, align=self.bytes)

    def store_number(self, value: Any, pointer: Any) -> None:
        """Write one number."""
        self.builder.store(value, pointer, align=self.bytes)

    def constant(self, number: float) -> Any:
        """A number known now."""
        return ir.Constant(self.element, number)

    def part(self, vector: Any, index: int) -> Any:
        """One number of a vector."""
        return self.builder.extract_element(vector, ir.Constant(_INDEX, index))

    def splat(self, number: Any, size: int) -> Any:
        """A vector of `size` times the same number."""
        kind = ir.VectorType(self.element, size)
        first = self.builder.insert_element(
            ir.Constant(kind, ir.Undefined), number, ir.Constant(_INDEX, 0)
        )
        mask = ir.Constant(ir.VectorType(_INDEX, size), [0] * size)
        return self.builder.shuffle_vector(first, first, mask)

    def mul(self, a: Any, b: Any) -> Any:
        """a * b."""
        return self.builder.fmul(a, b, flags=_FLAGS)

    def sub(self, a: Any, b: Any) -> Any:
        """a - b."""
        return self.builder.fsub(a, b, flags=_FLAGS)

    def add(self, a: Any, b: Any) -> Any:
        """a + b."""
        return self.builder.fadd(a, b, flags=_FLAGS)

    def madd(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, in one instruction where there is one."""
        return self.add(self.mul(a, b), c)

    def decayed(self, whole: Any, part: Any, x: Any) -> Any:
        """whole x + part x, never as (whole + part) x."""
        kept = self.builder.fmul(whole, x, flags=_NOT_REORDERED)
        return self.builder.fadd(
            self.builder.fmul(part, x, flags=_NOT_REORDERED), kept, flags=_NOT_REORDERED
        )

    def total(self, vector: Any) -> Any:
        """The sum of a vector's numbers."""
        name = f"vector.reduce.fadd.v{vector.type.count}"
        return self._call(name, self.constant(0.0), vector)

    def inverse_root(self, number: Any) -> Any:
        """1 / sqrt(number)."""
        return self.builder.fdiv(self.constant(1.0), self._call("sqrt.", number))

    def fetch(self, pointer: Any, size: int) -> None:
        """Have `size` numbers brought near before they are needed."""
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        module, name = self.builder.module, "llvm.prefetch.p0"
        function = module.globals.get(name) or ir.Function(module, kind, name)
        # For reading, to stay in all caches, data. A vector begins anywhere within a line.
        how = [ir.Constant(number, x) for x in (0, 3, 1)]
        for first in {*range(0, size, CACHE_LINE_BYTES // self.bytes), size - 1}:
            place = self.builder.bitcast(self._at(pointer, first), byte)
            self.builder.call(function, [place, *how])

    def _call(self, name: str, *arguments: Any) -> Any:
        """One of LLVM's own functions that return a number; its name less prefix and type."""
        full = f"llvm.{name}f{8 * self.bytes}"
        kind = ir.FunctionType(self.element, [argument.type for argument in arguments])
        module = self.builder.module
        function = module.globals.get(full) or ir.Function(module, kind, full)
        return self.builder.call(function, arguments, fastmath=_FLAGS)

    def _at(self, pointer: Any, index: int) -> Any:
        return self.builder.gep(pointer, [ir.Constant(_INDEX, index)])

    def _row_at(self, pointer: Any, size: int, index: int) -> Any:
        kind = ir.VectorType(self.element, size).as_pointer()
        return self.builder.bitcast(self._at(pointer, index * size), kind)


class Sums:
    """A sum of many products, kept as a few partial sums that do not wait for each other."""

    def __init__(self, vectors: Vectors, parts: int = 4) -> None:
        self._vectors = vectors
        self._parts: list[Any] = [None] * parts
        self._count = 0

    def add_product(self, a: Any, b: Any) -> None:
        """Add a * b."""
        place = self._count % len(self._parts)
        before = self._parts[place]
        v = self._vectors
        self._parts[place] = v.mul(a, b) if before is None else v.madd(a, b, before)
        self._count += 1

    def result(self) -> Any:
        """The sum of everything added."""
        parts = [part for part in self._parts if part is not None]
        while len(parts) > 1:
            parts = [
                self._vectors.add(*pair) if len(pair) > 1 else pair[0]
                for pair in (parts[i : i + 2] for i in range(0, len(parts), 2))
            ]
        return parts[0]
