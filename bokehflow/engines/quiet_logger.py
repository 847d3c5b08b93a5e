"""Packages that talk while they work, kept to what went wrong."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_logger(name: str, least: int = logging.ERROR) -> Iterator[None]:
    """Let the logger of that name, and those below it, tell what is of this level at least while
    the block runs."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(least)
    try:
        yield
    finally:
        logger.setLevel(level)
