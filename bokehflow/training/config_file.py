"""A run's config as one TOML file, every key checked."""

from __future__ import annotations

import dataclasses
import json
import sys
import tomllib
import typing
from pathlib import Path
from typing import Any

from bokehflow.errors import InputError, UnknownNameError, UsageError
from bokehflow.training.config import LossWeights, OptimiserConfig, StageConfig, TrainConfig

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple[str, ...]: "texts",
}


def read_config(path: Path) -> TrainConfig:
    """Read a run's config.

    Raises InputError for a file that is missing or no TOML, UsageError for values that make no
    sense and UnknownNameError for keys that do not exist; each names the file and the key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no config at {path}", "a TOML file such as configs/nano.toml") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder", "a TOML file such as configs/nano.toml") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}") from error
    return config_from_table(table, str(path))


def config_from_table(table: dict[str, Any], where: str) -> TrainConfig:
    """The config that a parsed TOML file holds. where: its name, for messages."""
    table = dict(table)
    stages = table.pop("stages", [])
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise UsageError(f"{where}: stages is no list of tables", "[[stages]] tables")
    nested: dict[str, Any] = {
        "stages": tuple(
            _read(StageConfig, stage, f"{where}: stage {number}")
            for number, stage in enumerate(stages, start=1)
        )
    }
    optimiser, losses = table.pop("optimiser", {}), table.pop("losses", {})
    nested["optimiser"] = _read(OptimiserConfig, optimiser, f"{where}: [optimiser]")
    nested["losses"] = _read(LossWeights, losses, f"{where}: [losses]")
    return _read(TrainConfig, table, where, nested)


def config_as_json(config: TrainConfig) -> str:
    """The config as JSON text, for a checkpoint; `config_from_json` reads it."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def config_from_json(text: str) -> TrainConfig:
    """The config that `config_as_json` wrote."""
    return config_from_table(json.loads(text), "the checkpoint's config")


_WRITING = ("log_every", "snapshot_every", "checkpoint_minutes")
"""Keys that change no weight."""


def differences(reference: TrainConfig, test: TrainConfig) -> list[str]:
    """The top-level keys in which two configs differ, but for those of what is written when."""
    names = [item.name for item in dataclasses.fields(TrainConfig) if item.name not in _WRITING]
    return [name for name in names if getattr(reference, name) != getattr(test, name)]


Section = typing.TypeVar("Section", TrainConfig, StageConfig, OptimiserConfig, LossWeights)


def _read(
    kind: type[Section], table: Any, where: str, nested: dict[str, Any] | None = None
) -> Section:
    """One dataclass from one table; `nested` are fields that were read before."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} is {table!r}", "a table of keys")
    nested = nested or {}
    types = {k: v for k, v in typing.get_type_hints(kind).items() if k not in nested}
    for key in table:
        if key not in types:
            raise UnknownNameError(f"key in {where}", key, types)
    values = {key: _value(value, types[key], f"{where}: {key}") for key, value in table.items()}
    required = [
        item.name
        for item in dataclasses.fields(kind)
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in required if name not in values and name not in nested]
    if missing:
        raise UsageError(f"{where} has no {missing[0]!r}", f"the keys {', '.join(required)}")
    try:
        return kind(**values, **nested)
    except UsageError as error:
        raise UsageError(f"{where}: {error.found}", error.expected, error.remedy) from error


def _value(value: Any, kind: Any, where: str) -> Any:
    """`value` as the field's type; a whole number may stand for a number, nothing else."""
    if kind is float and type(value) is int and abs(value) <= sys.float_info.max:
        return float(value)
    if kind == tuple[str, ...] and isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return tuple(value)
    elif type(value) is kind:
        return value
    raise UsageError(f"{where} = {value!r}", _WORDS[kind])
