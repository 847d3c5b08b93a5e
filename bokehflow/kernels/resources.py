"""`python -m bokehflow.kernels.resources`: registers, shared memory and spills of every kernel.

Compiles for sm_80 and sm_90 without a GPU. Exits 1 when a kernel needs stack, which is to say when
it spills registers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from bokehflow.errors import MissingDependencyError, UsageError
from bokehflow.installed import needs
from bokehflow.kernels.checks import MAX_HEAD_SIZE

SCHEMA = "bokehflow.kernel_resources/1"
HEAD_SIZES = (16, 24, 32, 64)
ALL_SIZES = range(1, MAX_HEAD_SIZE + 1)
ARCHITECTURES = (80, 90)
ALL_ARCHITECTURES = (80, 86, 89, 90, 100, 103, 120, 121)
DTYPES = ("bfloat16", "float16", "float32")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or with --json one record. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        rows = list(_measure_all(options.dtypes, options.head_sizes, options.architectures))
    except (MissingDependencyError, UsageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        print(json.dumps(_record(rows), indent=1))
    else:
        _print_table(rows)
    return 1 if any(row["stack_bytes"] for row in rows) else 0


def _measure_all(
    dtypes: Sequence[str], head_sizes: Sequence[int], architectures: Sequence[int]
) -> Iterator[dict[str, object]]:
    with needs("triton", "cuda", "compiling the kernels"):
        import torch
        import triton

        from bokehflow.kernels.ahead_of_time import measure, record_launches
    if triton.knobs.runtime.interpret:
        raise UsageError("TRITON_INTERPRET is set", "it unset, since nothing compiles under it")
    for name in dtypes:
        dtype = getattr(torch, name)
        for head_size in head_sizes:
            # 180 x 320 tokens: one 720p frame.
            for launch in record_launches(dtype, head_size, 180, 320):
                for architecture in architectures:
                    yield asdict(measure(launch, dtype, head_size, architecture))


def _record(rows: list[dict[str, object]]) -> dict[str, object]:
    import triton

    return {"schema": SCHEMA, "status": "compiled", "triton": triton.__version__, "kernels": rows}


def _print_table(rows: list[dict[str, object]]) -> None:
    columns = {
        "kernel": "kernel", "dtype": "dtype", "head_size": "head", "architecture": "sm",
        "warps": "warps", "registers": "registers", "shared_bytes": "shared",
        "stack_bytes": "stack",
    }  # fmt: skip
    print(" ".join(f"{title:>9}" if key != "kernel" else f"{title:<24}"
                   for key, title in columns.items()))  # fmt: skip
    for row in rows:
        print(" ".join(f"{row[key]:>9}" if key != "kernel" else f"{row[key]:<24}"
                       for key in columns))  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON record")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES)
    add = parser.add_argument
    add("--head-sizes", nargs="+", type=int, choices=ALL_SIZES, default=HEAD_SIZES, metavar="1..64")
    add("--architectures", nargs="+", type=int, choices=ALL_ARCHITECTURES, default=ARCHITECTURES)
    return parser


if __name__ == "__main__":
    sys.exit(main())
