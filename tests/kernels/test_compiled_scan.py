"""What calls the CPU scan can be compiled, whether its own recurrence has been or not."""

from __future__ import annotations

import pytest
import torch

from bokehflow.kernels import cpu_scan_2d
from bokehflow.kernels.cpu_recurrence import compile_recurrence
from tests.kernels.cases import Case, run_with_gradients


# Dynamo itself looks at the gradients of tensors that have none.
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_torch_compile_leaves_the_scan_as_it_is(backend: str) -> None:
    case = Case(2, 3, key_size=3, value_size=5)
    inputs = case.inputs()

    def around(*tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        o, state = cpu_scan_2d(*tensors[:6], case.height, case.width)
        return 2.0 * o, state

    compile_recurrence.cache_clear()
    torch.compiler.reset()
    found = run_with_gradients(torch.compile(around, backend=backend), inputs, case)
    for (name, test), (_, expected) in zip(
        found, run_with_gradients(around, inputs, case), strict=True
    ):
        torch.testing.assert_close(test, expected, atol=0, rtol=0, msg=name)
