"""`python -m bokehflow.benchmarks.suite`: every row, kept as soon as it is measured.

All rows are measured once, then all of them again: of each, the faster round is reported. An
interrupted run goes on where it stopped, as long as the sources, the installed versions and the
machine are the same; --fresh measures everything again. Exit code 1: a bar was missed, or a row
failed.
"""

from __future__ import annotations

import argparse
import fnmatch
import glob
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bokehflow.atomic import make_folder
from bokehflow.benchmarks.latency.record import FAILURES
from bokehflow.benchmarks.results_file import write_results
from bokehflow.benchmarks.script import run_script
from bokehflow.benchmarks.suite.bars import all_bars
from bokehflow.benchmarks.suite.cases import Case, all_cases
from bokehflow.benchmarks.suite.report import suite_document, suite_tables
from bokehflow.benchmarks.suite.rounds import best_of
from bokehflow.benchmarks.suite.rows import row_of
from bokehflow.benchmarks.suite.sources import kept_name, source_sha256
from bokehflow.benchmarks.tables import markdown
from bokehflow.errors import UsageError

NAME = "latency"
EVERYTHING = "*"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for and write the result files. Returns the exit code."""
    options = _parser().parse_args(arguments)
    cases = [case for case in all_cases() if fnmatch.fnmatch(case.key, options.only)]
    if options.list:
        print(*(case.key for case in cases), sep="\n")
        return 0
    return run_script(lambda: _run(cases, options), "the rows that were measured are kept")


def _run(cases: Sequence[Case], options: argparse.Namespace) -> int:
    if not cases:
        raise UsageError(f"--only {options.only!r} fits no row", "a pattern of --list")
    source = source_sha256()
    work: Path = options.work / kept_name(source)
    if options.fresh:
        _forget(work, cases)
    _make_folders(work, options.output)
    measured = [_round(cases, number, work) for number in range(1, options.rounds + 1)]
    rows = [best_of(rounds) for rounds in zip(*measured, strict=True)]
    bars = all_bars(rows)
    document = suite_document(rows, bars, source)
    tables = suite_tables(document)
    print(markdown(tables))
    if options.only == EVERYTHING:
        write_results(options.output, NAME, document, tables)
    missed = any(bar.holds is False for bar in bars)
    return int(missed or any(row["status"] in FAILURES for row in rows))


def _round(cases: Sequence[Case], number: int, work: Path) -> list[dict[str, Any]]:
    """A row a case, each told as soon as it is there."""
    rows = []
    for case in cases:
        row = row_of(case, number, work)
        rows.append(row)
        found = f"{row['times']['p50_ms']:.1f} ms" if row["times"] else row["reason"]
        place = f"round {number}, {len(rows)}/{len(cases)}"
        print(f"{place} {case.key}: {row['status']}, {found}", file=sys.stderr)
    return rows


def _forget(work: Path, cases: Sequence[Case]) -> None:
    """Remove what was measured of these cases; the models too where these are all there are."""
    if len(cases) == len(all_cases()):
        shutil.rmtree(work, ignore_errors=True)
    for case in cases:
        for row in (work / "rows").glob(f"{glob.escape(case.key)}.*.json"):
            row.unlink()


def _make_folders(work: Path, output: Path) -> None:
    for folder in (work / "rows", work / "models", output):
        make_folder(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bokehflow.benchmarks.suite",
                                     description=__doc__)  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="measure rows again that are there")
    parser.add_argument("--rounds", type=int, default=2, choices=range(1, 10), metavar="N",
                        help="how often every row is measured, 1 to 9")  # fmt: skip
    parser.add_argument("--only", default=EVERYTHING, metavar="PATTERN",
                        help="rows whose key fits; printed, not written")  # fmt: skip
    parser.add_argument("--list", action="store_true", help="print the keys and do nothing")
    parser.add_argument("--work", type=Path, default=Path("out/benchmark"),
                        help="where models and finished rows are kept")  # fmt: skip
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"),
                        help="where latency.json and latency.md are written")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
