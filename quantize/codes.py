"""The integers that stand for values in 8 bits."""

from __future__ import annotations

INT8_MAX = 127
"""Symmetric codes go from -127 to 127: -128 would have no opposite."""
