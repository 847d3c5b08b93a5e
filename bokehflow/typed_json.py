"""JSON values as the types that a dataclass gives its fields."""

from __future__ import annotations

import dataclasses
import reprlib
import sys
import types
import typing
from typing import Any, Literal

from bokehflow.errors import InputError
from bokehflow.specs import Size

_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a finite number"}
_CONTAINERS: dict[type, Any] = {dict: dict[str, Any], list: list[Any]}


def typed(kind: Any, value: Any, where: str) -> Any:
    """`value`, as JSON gave it, as the type `kind`; a whole number may stand for a number.

    kind: a dataclass, `Size` (a list of two), `X | None`, `Literal`, `list`, `tuple`, `dict` with
    texts as keys, `Any`, or one of the types that JSON has. where: what the value is called in
    messages.
    Raises InputError for a value of another type, and UsageError where a dataclass refuses its
    values.
    """
    if kind is Any:
        kind = _CONTAINERS.get(type(value), type(value))
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else typed(parts[0], value, where)
    if kind is Size:
        return Size(*typed(tuple[int, int], value, where))
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    if origin in (list, tuple) and isinstance(value, list):
        return _sequence(origin, parts, value, where)
    if origin is dict and isinstance(value, dict):
        return {name: typed(parts[1], item, f"{where}.{name}") for name, item in value.items()}
    if origin is Literal and value in parts:
        return value
    if kind is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if kind is not float and type(value) is kind:
        return value
    raise _wrong(value, where, _words(kind, origin, parts))


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(value, where, "an object")
    types_of = typing.get_type_hints(kind)
    unknown = set(value) - set(types_of)
    if unknown:
        raise InputError(f"unknown fields {sorted(unknown)}")
    prefix = f"{where}." if where else ""
    for field in dataclasses.fields(kind):
        optional = (field.default, field.default_factory) != (dataclasses.MISSING,) * 2
        if field.name not in value and not optional:
            raise InputError(f"no {prefix}{field.name}")
    return kind(
        **{name: typed(types_of[name], item, prefix + name) for name, item in value.items()}
    )


def _sequence(origin: Any, parts: tuple[Any, ...], value: list[Any], where: str) -> Any:
    kinds = parts[:1] * len(value) if origin is list or parts[-1] is ... else parts
    if len(value) != len(kinds):
        raise _wrong(value, where, f"{len(kinds)} values")
    return origin(
        typed(kind, item, f"{where}[{index}]")
        for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _wrong(value: Any, where: str, expected: str) -> InputError:
    return InputError(f"{where} is {reprlib.repr(value)}", expected)


def _words(kind: Any, origin: Any, parts: tuple[Any, ...]) -> str:
    if origin is Literal:
        return "one of " + ", ".join(parts)
    return {list: "a list", tuple: "a list", dict: "an object"}.get(origin) or _WORDS[kind]
