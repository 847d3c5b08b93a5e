"""The recipes, and which of them a target has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bokehflow.errors import UnknownNameError, UsageError
from bokehflow.quantize import coreml_recipes, graph_recipes
from bokehflow.quantize.format import Format
from bokehflow.quantize.job import Job, Outcome
from bokehflow.quantize.onnx_format import OnnxFormat
from bokehflow.quantize.openvino_format import OpenVinoFormat


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to quantize artifacts of one target.

    by_nncf, by_clusters: whether it needs NNCF, or scikit-learn. searches: whether it looks for
    layers to leave in float.
    """

    name: str
    run: Callable[[Job], Outcome]
    by_nncf: bool = False
    by_clusters: bool = False
    searches: bool = False


def _graph_recipes(make_format: Callable[[], Format[Any]]) -> tuple[Recipe, ...]:
    def run(recipe: Callable[[Format[Any], Job], Outcome]) -> Callable[[Job], Outcome]:
        return lambda job: recipe(make_format(), job)

    int8, mixed = run(graph_recipes.layers_in_8_bits), run(graph_recipes.mixed)
    return (
        Recipe("int8", int8, by_nncf=True),
        Recipe("int8-mixed", mixed, by_nncf=True, searches=True),
        Recipe("w8", run(graph_recipes.weights_in_8_bits)),
    )


RECIPES: dict[str, tuple[Recipe, ...]] = {
    "onnx": _graph_recipes(OnnxFormat),
    "openvino": _graph_recipes(OpenVinoFormat),
    "coreml": (
        Recipe("w8", coreml_recipes.weights_in_8_bits),
        Recipe("palette6", coreml_recipes.weights_in_palette, by_clusters=True),
        Recipe("w8a8", coreml_recipes.weights_and_activations_in_8_bits),
    ),
}
"""By target. The first is what `bfx quantize` does when none is named."""
RECIPE_NAMES = tuple(dict.fromkeys(r.name for recipes in RECIPES.values() for r in recipes))


def find_recipe(name: str | None, target: str) -> Recipe:
    """The recipe of that name for a target; None takes the target's first.

    Raises UnknownNameError for a name that no target has, UsageError for one that this target has
    not.
    """
    recipes = {recipe.name: recipe for recipe in RECIPES[target]}
    if name is None:
        return RECIPES[target][0]
    if name not in RECIPE_NAMES:
        raise UnknownNameError("recipe", name, RECIPE_NAMES)
    if name not in recipes:
        raise UsageError(f"recipe {name} for {target}", " or ".join(recipes))
    return recipes[name]
