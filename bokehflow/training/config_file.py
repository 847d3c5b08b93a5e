"""A run's config as one TOML file, every key checked."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

from bokehflow.errors import InputError, UsageError
from bokehflow.training.config import TrainConfig
from bokehflow.typed_json import typed


def read_config(path: Path) -> TrainConfig:
    """Read a run's config.

    Raises InputError for a file that is missing or no TOML, UsageError for keys that do not exist
    and values that make no sense; each names the file and the key.
    """
    try:
        # Editors may begin a text with the mark of its encoding.
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"no config at {path}", "a TOML file such as configs/nano.toml") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder", "a TOML file such as configs/nano.toml") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as TOML: {error}") from error
    return config_from_table(table, str(path))


def config_from_table(table: dict[str, Any], where: str) -> TrainConfig:
    """The config that a parsed TOML file holds. where: its name, for messages."""
    try:
        config: TrainConfig = typed(TrainConfig, {"stages": [], **table}, "")
    except (InputError, UsageError) as error:
        raise UsageError(f"{where}: {error.found}", error.expected, error.remedy) from error
    return config


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
