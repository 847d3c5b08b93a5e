"""Artifact to quantized artifact: recipes for every target, and what each costs."""

from bokehflow.quantize.quantize import (
    QuantizeConfig,
    Quantized,
    check_request,
    quantize,
    quantized_place,
)
from bokehflow.quantize.recipes import RECIPE_NAMES, RECIPES, find_recipe

__all__ = [
    "RECIPES",
    "RECIPE_NAMES",
    "QuantizeConfig",
    "Quantized",
    "check_request",
    "find_recipe",
    "quantize",
    "quantized_place",
]
