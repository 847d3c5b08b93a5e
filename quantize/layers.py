"""Which layers may be quantized, by the module paths in the names of an artifact's nodes.

A node is called `module.path/kind_n` in every format that keeps names. What is not on this list
stays in float: the recurrence with its gates, norms, exponentials and sums (`...scan/...` itself),
the readers of gates and coarse depth, whatever handles the lens or the blur radius, the renderer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_QUANTIZABLE = re.compile(
    r"network\.("
    r"stem\.(first|depthwise|pointwise)"
    r"|blocks\.\d+\.scan\.(project(\.\d+|\.query|\.key|\.value|\.read)?|fuse\.weigh|out)"
    r"|blocks\.\d+\.local(\.depthwise|\.pointwise)?"
    r"|fusions\.\d+\.(to_depth|to_bokeh)"
    r"|bokeh_head\.(project\.\d+|mix|to_half|skip|mix_half|to_full|out)"
    r")"
)


_CONSTANT = re.compile(
    "p_"
    + _QUANTIZABLE.pattern.replace(r"\.", "_")
    + r"_(weight|query|key|value|read|pointwise)(_to_fp16)?(_quantized|_palettized)?"
)
_FUSION = re.compile(r"network\.blocks\.\d+\.scan\.fuse\.weigh")

NOISE, SIGNAL, SCAN = "noise:", "signal:", "scan:"
"""What the names of outputs that measure begin with."""


def module_path(node_name: str) -> str:
    """The module a node belongs to: its name up to the slash."""
    return node_name.split("/", 1)[0]


def is_quantizable(node_name: str) -> bool:
    """Whether the module that a node belongs to may be quantized."""
    return _QUANTIZABLE.fullmatch(module_path(node_name)) is not None


_WEIGHT_ONLY = re.compile(
    r"network\.(modulation\.read|refine\.(first|second|third)"
    r"|depth_head\.(project\.\d+|mix|to_half|skip|mix_half|to_full|out))"
)
"""Weights worth 8 bits before arithmetic that is not. The lens's modulation, once a frame. The
refinement, which reads the blur radius beside colours: under the longest lens that radius is a
thousand times what it is under the shortest, and no one range fits both, so it had 7 dB. And the
head that makes depth of the tokens: little arithmetic, nothing after it averages its noise away,
and the picture follows depth. In 8 bits it costs more than all the rest together."""


def may_store_8_bits(node_name: str) -> bool:
    """Whether a module's weights may be stored in 8 bits, whatever it computes in."""
    path = module_path(node_name)
    return is_quantizable(node_name) or _WEIGHT_ONLY.fullmatch(path) is not None


def is_quantizable_constant(name: str) -> bool:
    """Whether a Core ML constant is the weight of a layer that may be quantized.

    Packages keep module paths in the names of constants alone, with underscores for dots.
    """
    return _CONSTANT.fullmatch(name) is not None


def fusions(node_names: Iterable[str]) -> list[str]:
    """Of every block one of the layers that weigh the four directions: their input is what the
    scans gave, and maybe a 1 behind it."""
    first: dict[str, str] = {}
    for name in node_names:
        first.setdefault(module_path(name), name)
    return [name for path, name in first.items() if _FUSION.fullmatch(path)]


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """What quantizing one layer adds at its own output, on the inputs that it really gets.

    sqnr_db: power of the layer's output in float over that of the error, all samples together.
    """

    layer: str
    sqnr_db: float
