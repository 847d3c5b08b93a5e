"""Ahead-of-time compilation for GPUs that are not here."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bokehflow.kernels.resources import SCHEMA, main

pytest.importorskip("triton")

SHARED_BYTES_PER_PROCESSOR = {80: 167_936, 90: 233_472}
"""What one multiprocessor has: 164 KB and 228 KB."""

KERNELS = {
    "gate_kernel", "split_summary_kernel", "split_group_kernel", "split_scan_kernel",
    "scan_output_kernel", "split_gradient_kernel", "chunk_state_kernel",
    "chunk_gradient_kernel", "token_gradient_kernel",
    "key_kernel", "key_gradient_kernel", "mix_kernel", "mix_gradient_kernel",
    "column_sum_kernel", "norm_kernel", "norm_gradient_kernel",
}  # fmt: skip


def test_every_kernel_compiles_without_spilling() -> None:
    # In a process of its own: nothing compiles where the interpreter has been chosen.
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    command = [sys.executable, "-m", "bokehflow.kernels.resources", "--json"]
    command += ["--dtypes", "bfloat16", "--head-sizes", "16"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["schema"] == SCHEMA
    for architecture, shared in SHARED_BYTES_PER_PROCESSOR.items():
        rows = [row for row in record["kernels"] if row["architecture"] == architecture]
        assert {row["kernel"] for row in rows} == KERNELS
        assert all(row["stack_bytes"] == 0 for row in rows)
        assert all(0 < row["registers"] < 255 for row in rows)
        assert all(row["shared_bytes"] < shared / 8 for row in rows)


def test_under_the_interpreter_it_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import triton

    with triton.knobs.runtime.scope():
        triton.knobs.runtime.interpret = True
        assert main(["--head-sizes", "16"]) == 2
    assert "TRITON_INTERPRET" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--head-sizes", "0"], ["--head-sizes", "128"],
                                       ["--architectures", "12"]], ids=" ".join)  # fmt: skip
def test_what_no_kernel_can_be_compiled_for_is_refused(arguments: list[str]) -> None:
    # Not 1, which is a kernel that spills.
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
