"""Noise of single layers in ML Programs of a few operations, against float64 by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bokehflow.quantize.coreml_front import front_of
from bokehflow.quantize.coreml_noise import with_noise_outputs
from bokehflow.quantize.layer_noise import ranked
from bokehflow.quantize.layers import LayerNoise
from bokehflow.runtimes.mil_evaluator import Evaluator, Operation, Program, Reference, Variable
from tests.runtimes.mil import operation
from tests.tolerances import PSNR_FORMULA_DB, PUBLISHED_DIGIT

CHANNELS, PIXELS, SCALE = 6, 40, 0.05
RNG = np.random.default_rng(0)
WEIGHTS = {name: RNG.normal(size=(CHANNELS, CHANNELS)).astype(np.float32) for name in "abc"}
INPUTS = [RNG.normal(size=(CHANNELS, PIXELS)).astype(np.float32) for _ in range(3)]
NAMES = {"a": "first", "b": "second", "c": "third"}
LAYER_NOISE_DB = PUBLISHED_DIGIT + PSNR_FORMULA_DB
"""Of sums in float32, rounded to two digits."""


class Fed:
    """Samples that are an input each."""

    def __len__(self) -> int:
        return len(INPUTS)

    def feeds(self, index: int) -> dict[str, np.ndarray]:
        return {"x": INPUTS[index][None, :, None]}


def value(name: str, dtype: torch.dtype = torch.float32) -> Variable:
    return Variable(name, (1, CHANNELS, 1, PIXELS), dtype)


def layer(name: str, x: str, weight: np.ndarray, dtype: torch.dtype = torch.float32) -> Operation:
    kernel = torch.from_numpy(weight)[:, :, None, None].to(dtype)
    facts: dict[str, Any] = {"strides": [1, 1], "dilations": [1, 1], "pad": [0, 0, 0, 0]}
    given = {"x": Reference(x), "weight": kernel, "pad_type": "valid", "groups": 1, **facts}
    return operation("conv", given, value(name, dtype))


def program(*operations: Operation) -> Program:
    """The input x to whatever the last operation gives."""
    return Program((value("x"),), (), operations, (operations[-1].results[0].name,))


def chain(weights: dict[str, np.ndarray], first: str = "x") -> tuple[Operation, ...]:
    """Three layers, of which the first reads `first`."""
    reads = {"a": first, "b": "a", "c": "b"}
    return tuple(layer(name, reads[name], weights[name]) for name in "abc")


def quantizers() -> tuple[Operation, ...]:
    """x in steps of SCALE, which values beyond 127 of them do not reach."""
    scale = torch.tensor(SCALE)
    return (
        operation(
            "quantize",
            {"input": Reference("x"), "scale": scale, "output_dtype": "int8"},
            value("codes", torch.int8),
        ),
        operation("dequantize", {"input": Reference("codes"), "scale": scale}, value("steps")),
    )


def in_steps(x: np.ndarray) -> np.ndarray:
    return np.clip(np.round(x.astype(np.float64) / SCALE), -128, 127) * SCALE


def rough(weight: np.ndarray, step: float) -> np.ndarray:
    return np.asarray(np.round(weight / step) * step, dtype=np.float32)


def measured(quantized: Program, original: Program) -> list[LayerNoise]:
    evaluator = Evaluator(with_noise_outputs(quantized, original, NAMES))
    samples: Any = Fed()
    return ranked(evaluator.run, samples)


def test_it_is_what_float64_says_on_the_inputs_that_a_layer_gets() -> None:
    changed = {name: rough(weight, 0.1) for name, weight in WEIGHTS.items()}
    noises = measured(program(*quantizers(), *chain(changed, "steps")), program(*chain(WEIGHTS)))
    powers = {name: np.zeros(2) for name in "abc"}
    for x in INPUTS:
        unquantized, read = x.astype(np.float64), in_steps(x)
        for name in "abc":
            expected, found = WEIGHTS[name] @ unquantized, changed[name] @ read
            powers[name] += np.square(expected).sum(), np.square(found - expected).sum()
            unquantized = read = found
    by_hand = {NAMES[n]: 10.0 * np.log10(signal / noise) for n, (signal, noise) in powers.items()}
    assert {noise.layer: noise.sqnr_db for noise in noises} == pytest.approx(
        by_hand, abs=LAYER_NOISE_DB
    )
    assert [noise.layer for noise in noises] == sorted(by_hand, key=lambda name: by_hand[name])


@pytest.mark.parametrize("worst", ["a", "b", "c"])
def test_the_roughest_layer_comes_first(worst: str) -> None:
    steps = {name: 0.5 if name == worst else 0.01 for name in "abc"}
    changed = {name: rough(WEIGHTS[name], step) for name, step in steps.items()}
    noises = measured(program(*chain(changed)), program(*chain(WEIGHTS)))
    assert noises[0].layer == NAMES[worst]
    assert noises[0].sqnr_db < noises[1].sqnr_db - 20.0


def test_a_layer_that_nothing_was_done_to_is_not_ranked() -> None:
    changed = {**WEIGHTS, "b": rough(WEIGHTS["b"], 0.1)}
    noises = measured(program(*chain(changed)), program(*chain(WEIGHTS)))
    assert [noise.layer for noise in noises] == ["second"]


def test_activations_alone_make_noise() -> None:
    noises = measured(program(*quantizers(), *chain(WEIGHTS, "steps")), program(*chain(WEIGHTS)))
    assert [noise.layer for noise in noises] == ["first"]


def test_the_float_form_is_rounded_as_the_package_rounds_it() -> None:
    weight = rough(WEIGHTS["a"], 2.0**-6)
    halves = program(layer("a", "x", weight, torch.float16))
    quantized = program(layer("a", "x", rough(weight, 2.0**-5), torch.float16))
    (noise,) = measured(quantized, halves)
    expected, found = (
        np.stack([Evaluator(p).run({"x": x[None, :, None]})["a"] for x in INPUTS])
        for p in (halves, quantized)
    )
    error = found.astype(np.float64) - expected
    sqnr_db = 10.0 * np.log10(np.square(expected.astype(np.float64)).sum() / np.square(error).sum())
    assert noise.sqnr_db == pytest.approx(sqnr_db, abs=LAYER_NOISE_DB)


def test_a_front_ends_in_what_is_asked_for() -> None:
    whole = program(*chain(WEIGHTS))
    front = front_of(whole, ["b"])
    assert [op.results[0].name for op in front.operations] == ["a", "b"]
    feeds = Fed().feeds(0)
    assert set(Evaluator(front).run(feeds)) == {"b"}
    seen: dict[str, np.ndarray] = {}
    Evaluator(whole).run(feeds, observe=lambda _, result, x: seen.update({result.name: x.numpy()}))
    np.testing.assert_array_equal(Evaluator(front).run(feeds)["b"], seen["b"])
