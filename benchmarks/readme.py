"""Fill the README's tables from the committed result files.

`python -m bokehflow.benchmarks.readme` rewrites what stands between the markers of README.md; with
--check it changes nothing and exits 1 where that would change something.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bokehflow.atomic import atomic_file
from bokehflow.benchmarks.checks import check_cells, read_check
from bokehflow.benchmarks.latency.record import DEVICE_PEAKS
from bokehflow.benchmarks.script import run_script
from bokehflow.benchmarks.tables import NOT_RUN, significant
from bokehflow.errors import InputError
from bokehflow.export.artifacts.packing import is_packed

README, RESULTS = Path("README.md"), Path("benchmarks/results")
QUALITY_COLUMNS = ("overall", "edge", "in_focus")


def quality_table(document: Mapping[str, Any]) -> str:
    """Mean PSNR of every renderer by region, from `quality.json`."""
    lines = ["| renderer | overall | edge band | in focus |", "|---|---:|---:|---:|"]
    for name, report in document["renderers"].items():
        mean = report["score"]["mean"]
        cells = (f"{mean[f'{column}_psnr_db']:.1f}" for column in QUALITY_COLUMNS)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cpu_scan_table(document: Mapping[str, Any]) -> str:
    """Seconds of a training step by form of the scan, from `kernels_cpu.json`."""
    cpu = document["cpu"]
    step = f"{cpu['batch']} crops of {cpu['side_px']}x{cpu['side_px']}, {cpu['threads']} threads"
    return "\n".join(
        (
            f"| training step of Nano, {step} | seconds, median |",
            "|---|---:|",
            f"| chunked torch form | {cpu['chunked_s']:.2f} |",
            f"| compiled recurrence, {cpu['speed_up']:.1f} times as fast | {cpu['cpu_s']:.2f} |",
            f"| no scan at all | {cpu['floor_s']:.2f} |",
        )
    )


def kernels_table(document: Mapping[str, Any]) -> str:
    """Nano's scan layers on a GPU beside other forms of the same scan, from `kernels.json`."""
    forms = ("ours", "fla", "chunked")
    lines = [f"| one layer of Nano, bfloat16, {document['device']}, ms | {' | '.join(forms)} "
             "| times fla's speed | least by bytes |", f"|---|{'---:|' * 5}"]  # fmt: skip
    layers: dict[tuple[str, str], dict[str, Any]] = {}
    for row in document["layers"]:
        if row["case"].startswith("nano_"):
            layers.setdefault((row["case"], row["pass"]), {})[row["contender"]] = row
    for (case, which), by_form in layers.items():
        name = f"{case.removeprefix('nano_')}, {which.replace('_', ' + ')}"
        times = [by_form[form].get("p50_ms") for form in forms]
        floor = by_form["ours"].get("floors", {}).get("bytes_ms")
        cells = [NOT_RUN if time is None else f"{time:.3f}" for time in (*times, floor)]
        cells.insert(-1, NOT_RUN if None in times[:2] else f"{times[1] / times[0]:.1f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_bar_lines("bar", document["bars"])])


def latency_table(document: Mapping[str, Any]) -> str:
    """The mobile profile on two threads, then every bar, from `latency.json`."""
    lines = ["| Nano, mobile profile, 2 threads | ms a frame, median | memory of the process, MB |",
             "|---|---:|---:|"]  # fmt: skip
    for row in document["rows"]:
        if (row["group"], row["threads"]) == ("mobile profile", 2):
            lines.append(f"| {_latency_name(row)} | {_latency_cells(row)} |")
    return "\n".join([*lines, "", *_bar_lines("bar", document["bars"])])


def gpu_table(document: Mapping[str, Any]) -> str:
    """Frames a second and memory on a GPU, from `latency_gpu.json`."""
    first = document["rows"][0]
    device, memory = first["host"]["gpu"], DEVICE_PEAKS[first["runtime"]["name"]]
    lines = [f"| Nano at full network size, float16, {device} | ms a frame, median | FPS "
             f"| memory {memory}, GB |", "|---|---:|---:|---:|"]  # fmt: skip
    for row in document["rows"]:
        times, memory = row["times"], row["memory"]
        cells = (
            NOT_RUN if times is None else f"{times['p50_ms']:.1f}",
            NOT_RUN if times is None else f"{times['fps']:.0f}",
            _in_units(memory and memory["device_peak_bytes"], 1e9, 2),
        )
        lines.append(f"| {row['artifact']['frame_size']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _bar_lines(
    heading: str,
    recorded: Sequence[Mapping[str, Any]],
    shown: Callable[[float, str], str] = significant,
) -> list[str]:
    """Every bar of a record, what is wanted and what was measured."""
    lines = [f"| {heading} | wanted | measured |", "|---|---:|---:|"]
    for check in map(read_check, recorded):
        missed = ", missed" if check.holds is False else ""
        lines.append(f"| {' | '.join(check_cells(check, shown))}{missed} |")
    return lines


def _latency_name(row: Mapping[str, Any]) -> str:
    precision = row["arguments"].get("precision")
    runtime = row["runtime"] + (f" {precision}" if precision else "")
    return f"{runtime}, {'no scans' if row['model'] == 'floor' else row['scan']}"


def _latency_cells(row: Mapping[str, Any]) -> str:
    if row["times"] is None:
        return f"{row['status']} | {row['reason']}"
    peak = row["memory"]["process_peak_bytes"]
    return f"{row['times']['p50_ms']:.0f} | {_in_units(peak, 1e6, 0)}"


def _in_units(count: float | None, unit: float, digits: int) -> str:
    return NOT_RUN if count is None else f"{count / unit:.{digits}f}"


def evaluation_table(document: Mapping[str, Any]) -> str:
    """Every bar of the trained weights, from `evaluation.json`."""
    bars = _bar_lines("the shipped weights", document["checks"], lambda value, _: f"{value:.4g}")
    scored_at = document["settings"]["trend_commit"]
    if scored_at:
        bars += ["", f"Snapshots are those of a run alone, scored at commit `{scored_at[:10]}`."]
    return "\n".join(bars)


def report_table(document: Mapping[str, Any]) -> str:
    """Every quantized artifact against its float32 one and against truth, from `report.json`."""
    frames = document["settings"]["frames"]
    columns = ("artifact", "MB", f"worst of {frames} frames against float32, dB",
               "lost against truth, dB", "AbsRel, times", "time, times")  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    for row in document["rows"]:
        artifact, found = row["artifact"], {c["name"]: c["measured"] for c in row["checks"]}
        if artifact["recipe"] is None:
            continue
        ratio = row["latency"]["time_ratio"]
        figures = (
            artifact["bytes"] / 1e6,
            found.get("bokeh against the reference, worst frame, dB"),
            found.get("bokeh lost against truth, dB"),
            found.get("AbsRel over the reference's"),
            ratio,
        )
        cells = (NOT_RUN if figure is None else f"{figure:.2f}" for figure in figures)
        packed = ", packed" if is_packed(Path(artifact["name"])) else ""
        name = f"{artifact['runtime']}, {artifact['recipe']}{packed}"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"Truth: {document['clips']['origin']}."]
    return "\n".join(lines)


TABLES = {
    "quality": quality_table,
    "kernels": kernels_table,
    "kernels_cpu": cpu_scan_table,
    "evaluation": evaluation_table,
    "latency": latency_table,
    "latency_gpu": gpu_table,
    "report": report_table,
}
"""Marker and name of the result file, and what makes its table."""


def filled(readme: str, results: Path) -> str:
    """The README with every table made anew. Raises InputError where one has no place, or its
    results cannot be read."""
    for name, make in TABLES.items():
        document = _read(results / f"{name}.json")
        try:
            table = f"{make(document)}\n\n{measured_at(document['environment'])}"
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{name}.json lacks what its table shows ({type(error).__name__}: {error})",
                "a whole result file",
            ) from error
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        before, marker, rest = readme.partition(begin)
        _, closing, after = rest.partition(end)
        if not (marker and closing):
            raise InputError(f"{README} has no place for {name}", f"{begin.strip()} and {end}")
        readme = f"{before}{begin}{table}\n{end}{after}"
    return readme


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})", "a committed result file") from error


def measured_at(environment: Mapping[str, Any]) -> str:
    """Which sources a table is of, and what ran them: the record may be older than the sources."""
    commit = environment["commit"] or "unknown"
    changed = ", with changes not committed then" if commit.endswith("+") else ""
    return f"Sources of commit `{commit[:10]}`{changed}; {environment['processor']}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite or check the README in the current folder. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bokehflow.benchmarks.readme",
        description="Fill the README's tables from the committed result files.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it differs")
    options = parser.parse_args(arguments)
    return run_script(lambda: _refill(options.check))


def _refill(check: bool) -> int:
    try:
        before = README.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{README} cannot be read ({error})", remedy="run this where it lies"
        ) from error
    after = filled(before, RESULTS)
    if check:
        return int(before != after)
    with atomic_file(README) as hidden:
        hidden.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
