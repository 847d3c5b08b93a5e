"""Values of JSON and TOML as the types that a dataclass gives its fields."""

from __future__ import annotations

import dataclasses
import reprlib
import sys
import types
import typing
from typing import Any, Literal

from bokehflow.errors import InputError, UsageError, did_you_mean
from bokehflow.specs import Size

_KEYS = "keys with values"
_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a finite number"}
_CONTAINERS: dict[type, Any] = {dict: dict[str, Any], list: list[Any]}


def typed(kind: Any, value: Any, where: str) -> Any:
    """`value`, as JSON or TOML gave it, as the type `kind`; a whole number may stand for a number.

    kind: a dataclass, `Size` (a list of two), `X | None`, `Literal`, `list`, `tuple`, `dict` with
    texts as keys, `Any`, or one of the types that JSON has. where: what the value is called in
    messages.
    Raises InputError for a value of another type and for keys that are no fields or missing, and
    UsageError where a dataclass refuses its values.
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
        raise _wrong(value, where, _KEYS)
    types_of, required = typing.get_type_hints(kind), _required(kind)
    prefix = f"{where}." if where else ""
    for name in value:
        if name not in types_of:
            known = list(types_of)
            raise InputError(
                f"unknown key {prefix + name!r}",
                "one of " + ", ".join(known),
                did_you_mean(name, known),
            )
    for name in required:
        if name not in value:
            raise InputError(f"no {prefix}{name}", "the keys " + ", ".join(required))
    values = {name: typed(types_of[name], item, prefix + name) for name, item in value.items()}
    try:
        return kind(**values)
    except UsageError as error:
        found = f"{where}: {error.found}" if where else error.found
        raise UsageError(found, error.expected, error.remedy) from error


def _required(kind: Any) -> list[str]:
    """The fields of a dataclass that have no default."""
    missing = dataclasses.MISSING
    return [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is missing and field.default_factory is missing
    ]


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
    return {list: "a list", tuple: "a list", dict: _KEYS}.get(origin) or _WORDS[kind]
