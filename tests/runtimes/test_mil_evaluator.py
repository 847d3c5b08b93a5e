"""What the evaluator promises about any program: checks, rounding, memory."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import Tensor

from bokehflow.errors import ArtifactError, BokehFlowError, SizeError, UsageError
from bokehflow.runtimes.mil_evaluator import Evaluator, Operation, Program, Reference, Variable
from tests.runtimes.mil import operation, run_one

X = Variable("x", (3,), torch.float32)


def halves(name: str) -> Variable:
    return Variable(name, (3,), torch.float16)


def program(*operations: Operation) -> Program:
    """From the input x to the result of the last operation."""
    return Program((X,), (), operations, (operations[-1].results[0].name,))


def feeds(*values: float) -> dict[str, np.ndarray]:
    return {"x": np.array(values, dtype=np.float32)}


def test_an_unknown_operation_is_refused_before_anything_runs() -> None:
    strange = operation("frobnicate", {"x": Reference("x")}, X)
    with pytest.raises(ArtifactError, match="frobnicate"):
        Evaluator(program(strange))


def test_an_output_that_nothing_computes_is_refused() -> None:
    relu = operation("relu", {"x": Reference("x")}, Variable("y", (3,), X.dtype))
    with pytest.raises(ArtifactError, match="are constants: limit"):
        Evaluator(Program((X,), (), (relu,), ("y", "limit")))


def test_an_output_may_be_written_to() -> None:
    constant = torch.arange(3.0)
    same = operation("identity", {"x": constant}, Variable("same", (3,), X.dtype))
    fed = operation("identity", {"x": Reference("x")}, Variable("fed", (3,), X.dtype))
    evaluator, given = Evaluator(Program((X,), (), (same, fed), ("same", "fed"))), feeds(7, 8, 9)
    for output in evaluator.run(given).values():
        output[:] = 99.0
    assert evaluator.run(given)["same"].tolist() == [0.0, 1.0, 2.0]
    assert given["x"].tolist() == [7.0, 8.0, 9.0]


def test_an_input_that_its_handler_ignores_is_refused() -> None:
    relu = operation("relu", {"x": Reference("x"), "slope": 0.1}, Variable("y", (3,), X.dtype))
    with pytest.raises(ArtifactError, match=r"relu \(y\) has inputs .* slope"):
        Evaluator(program(relu)).run(feeds(1, 2, 3))


def test_a_missing_input_is_refused() -> None:
    add = operation("add", {"x": Reference("x")}, Variable("sum", (3,), X.dtype))
    with pytest.raises(ArtifactError, match="without its input 'y'"):
        Evaluator(program(add)).run(feeds(1, 2, 3))


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("floor_div", {"x": torch.tensor([1]), "y": torch.tensor([0])}),
        ("gather", {"x": torch.arange(3), "indices": torch.tensor([7]), "axis": 0}),
        ("add", {"x": torch.arange(3), "y": torch.arange(4)}),
    ],
)
def test_what_cannot_be_computed_is_told_by_its_name(
    kind: str, inputs: dict[str, torch.Tensor | int]
) -> None:
    with pytest.raises(ArtifactError, match=rf"{kind} \(result\) cannot be computed"):
        run_one(kind, inputs, (1,), torch.int32)


def test_a_result_of_another_shape_is_refused() -> None:
    relu = operation("relu", {"x": Reference("x")}, Variable("y", (4,), X.dtype))
    with pytest.raises(ArtifactError, match=r"shape \(3,\)"):
        Evaluator(program(relu)).run(feeds(1, 2, 3))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, UsageError),
        ({"x": np.zeros(3, np.float32), "z": np.zeros(3, np.float32)}, UsageError),
        ({"x": np.zeros(4, np.float32)}, SizeError),
        ({"x": np.zeros(3)}, UsageError),
    ],
    ids=["nothing", "one too many", "shape", "dtype"],
)
def test_feeds_that_do_not_fit_are_refused(
    given: dict[str, np.ndarray], error: type[BokehFlowError]
) -> None:
    relu = operation("relu", {"x": Reference("x")}, Variable("y", (3,), X.dtype))
    with pytest.raises(error):
        Evaluator(program(relu)).run(given)


def test_every_result_is_rounded_before_the_next_operation_reads_it() -> None:
    # float16 holds 2048 and 2050 but not 2049, which rounds to the even 2048: adding 1 twice to
    # 2048 changes nothing, and only in the end would 2050 have been exact.
    cast = operation("cast", {"x": Reference("x"), "dtype": "fp16"}, halves("half"))
    once = operation("add", {"x": Reference("half"), "y": 1.0}, halves("once"))
    twice = operation("add", {"x": Reference("once"), "y": 1.0}, halves("twice"))
    back = operation("sub", {"x": Reference("twice"), "y": 2048.0}, X)
    result = Evaluator(program(cast, once, twice, back)).run(feeds(2048, 2046, 0))["x"]
    assert result.tolist() == [0.0, 0.0, -2046.0]


def test_float16_overflows_to_infinity() -> None:
    square = operation("square", {"x": Reference("x")}, halves("square"))
    result = Evaluator(program(square)).run(feeds(255, 256, -300))["square"]
    assert result.tolist() == [65024.0, np.inf, np.inf]


def test_values_are_freed_after_their_last_use() -> None:
    links = [
        operation("add", {"x": Reference("x" if i == 0 else f"v{i - 1}"), "y": 1.0},
                  Variable(f"v{i}", (3,), X.dtype))
        for i in range(20)
    ]  # fmt: skip
    seen: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    def observe(_: Operation, __: Variable, tensor: Tensor) -> None:
        seen.append(weakref.ref(tensor))
        alive.append(sum(ref() is not None for ref in seen))

    outputs = Evaluator(program(*links)).run(feeds(0, 0, 0), observe=observe)
    assert outputs["v19"].tolist() == [20.0, 20.0, 20.0]
    assert max(alive) <= 2
