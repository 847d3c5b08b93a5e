"""Torch modules, converted, saved, read back and evaluated, against torch itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.runtimes.families import families
from tests.runtimes.mil import sqnr_db, through_package
from tests.tolerances import MIL_FP16_SQNR_DB, MIL_FP32

FAMILIES = families()


@pytest.mark.parametrize("name", FAMILIES)
def test_float32_is_what_torch_computes(name: str, tmp_path: Path) -> None:
    module, inputs = FAMILIES[name]
    expected, outputs, program = through_package(module, inputs, tmp_path, "fp32")
    assert all("16" not in str(r.dtype) for op in program.operations for r in op.results)
    for number, (reference, test) in enumerate(zip(expected, outputs, strict=True)):
        np.testing.assert_allclose(
            test, reference.numpy(), rtol=MIL_FP32, atol=MIL_FP32, err_msg=f"output {number}"
        )


@pytest.mark.parametrize("name", FAMILIES)
def test_float16_is_near_and_rounded(name: str, tmp_path: Path) -> None:
    module, inputs = FAMILIES[name]
    expected, outputs, _ = through_package(module, inputs, tmp_path, "fp16")
    for number, (reference, test) in enumerate(zip(expected, outputs, strict=True)):
        assert test.dtype == np.float32
        assert sqnr_db(reference.numpy(), test) > MIL_FP16_SQNR_DB, f"output {number}"
        assert np.array_equal(test, test.astype(np.float16)), f"output {number} is not rounded"
