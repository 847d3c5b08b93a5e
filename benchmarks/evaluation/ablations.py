"""`python -m bokehflow.benchmarks.evaluation.ablations`: what each idea of the network is worth.

The full network and each ablation of `bokehflow.training.ablate` train for the same few steps on
the same clips in the same order, and are judged on the same held-out stills. The runs are too short
to say how good the network becomes; they say what is missed first. Called again, it goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bokehflow.atomic import require_writable_folder
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.evaluation.ablation_study import (
    BATCH,
    AblationResult,
    ablation_table,
    run_ablation,
    short_config,
)
from bokehflow.benchmarks.evaluation.data_facts import data_facts
from bokehflow.benchmarks.evaluation.headline import telling_stills
from bokehflow.benchmarks.results_file import write_results
from bokehflow.benchmarks.script import run_script
from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import HELD_OUT, TRAIN
from bokehflow.defaults import VARIANT
from bokehflow.errors import UnknownNameError
from bokehflow.json_text import json_text
from bokehflow.training import TrainOptions
from bokehflow.training.ablate import ABLATIONS
from bokehflow.training.perceptual import packaged_perceptual

SCHEMA = "bokehflow.ablations/1"
PACKAGES = ("bokehflow", "torch", "numba")
NAME = "ablations"
SIZES = ("96x128", "128x96")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, judge, print and record. Returns the exit code."""
    options = _parser().parse_args(arguments)
    return run_script(lambda: _run(options), "the same command goes on from here")


def _run(options: argparse.Namespace) -> None:
    data = data_facts(options.data)
    require_writable_folder(options.output)
    results = _run_all(options)
    document: dict[str, object] = {
        "schema": SCHEMA,
        "environment": describe_environment(PACKAGES),
        "settings": {"variant": options.variant, "steps": options.steps, "scan": options.scan,
                     "sizes": options.sizes, "batch": BATCH, "limit": options.limit},
        "data": data,
        "results": [asdict(result) for result in results],
    }  # fmt: skip
    table = ablation_table(results)
    if set(options.only) == set(ABLATIONS) and all(result.is_finished for result in results):
        write_results(options.output, NAME, document, [table])
    print(json_text(document) if options.json else table.markdown())


def _run_all(options: argparse.Namespace) -> list[AblationResult]:
    for name in options.only:
        if name not in ABLATIONS:
            raise UnknownNameError("ablation", name, ABLATIONS)
    clips = find_clips(options.data, TRAIN, skip_bad=options.skip_bad)
    held_out = find_clips(options.data, HELD_OUT, skip_bad=options.skip_bad).entries
    stills = telling_stills(held_out, options.limit)
    distance = packaged_perceptual()
    results = []
    for name in options.only:
        print(f"{name} ...", file=sys.stderr, flush=True)
        config = short_config(options.variant, options.steps, name, options.sizes)
        train_options = TrainOptions(
            options.runs / name, options.scan, minutes=options.minutes, resume=True
        )
        results.append(run_ablation(config, clips, stills, train_options, distance))
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bokehflow.benchmarks.evaluation.ablations", description=__doc__
    )
    add = parser.add_argument
    add("--data", type=Path, default=Path("data"), help="training and held-out clips")
    add("--steps", type=int, default=3000, help="of every run")
    add("--variant", default=VARIANT)
    add("--scan", default="cpu", help="cpu, triton or chunked")
    add("--sizes", nargs="+", default=SIZES, metavar="HxW", help="what the network is shown")
    add("--only", nargs="+", default=ABLATIONS, metavar="NAME",
        help=f"{', '.join(ABLATIONS)}; some alone are not recorded")  # fmt: skip
    add("--minutes", type=float, help="at most so long for each run; call again to go on")
    add("--limit", type=int, default=24, help="held-out stills of each source")
    add("--runs", type=Path, default=Path("runs/ablations"), help="the runs' folders")
    add("--output", type=Path, default=Path("benchmarks/results"), help="for the record")
    add("--skip-bad", action="store_true", help="leave out clips that cannot be read")
    add("--json", action="store_true", help="print the record itself")
    return parser


if __name__ == "__main__":
    sys.exit(main())
