"""Which parts of the network cost the picture most when they compute in 8 bits.

How noisy a layer is says little: what it feeds may hardly reach the picture. So each part is put
back to float alone, and what that mends of one held-out picture is its effect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bokehflow.quantize.control import Control
from bokehflow.quantize.format import M
from bokehflow.quantize.layers import module_path
from bokehflow.temporary import temporary_folder

_PART = re.compile(r"network\.(stem|blocks\.\d+\.(scan|local)|fusions\.\d+|bokeh_head)")


@dataclass(frozen=True, slots=True)
class Part:
    """Layers that go to float together. mends: mean squared error of the picture less, so done."""

    name: str
    layers: tuple[str, ...]
    mends: float


def rank_parts(control: Control[M]) -> list[Part]:
    """The parts of a quantized model, the costliest first."""
    form = control.form

    def error(floats: tuple[str, ...]) -> float:
        with temporary_folder() as folder:
            mixed = form.reverted(control.quantized, control.original, floats)
            session = form.open(mixed, folder)
            found = control.job.held_out.glance(session)
            del session
        control.job.advance()
        return found

    whole = error(())
    parts = [
        Part(name, layers, whole - error(layers))
        for name, layers in _parts(form.quantized_layers(control.quantized)).items()
    ]
    return sorted(parts, key=lambda part: -part.mends)


def _parts(layers: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for layer in layers:
        path = module_path(layer)
        match = _PART.match(path)
        name = match.group() if match else path
        found[name] = (*found.get(name, ()), layer)
    return found
