"""`bfx benchmark`: how fast artifacts run, here or on another machine, and in how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import Artifacts
from bokehflow.cli.given import require_beside
from bokehflow.cli.partial import Ended, until_ended
from bokehflow.cli.results import tables_text
from bokehflow.cli.terminal import progress_bar
from bokehflow.cli.untrained import untrained_warning
from bokehflow.defaults import BENCHMARK_TIMEOUT_S, TIMED_FRAMES, WARMUP_FRAMES

if TYPE_CHECKING:
    from bokehflow.benchmarks.latency.host import Host
    from bokehflow.benchmarks.latency.settings import Settings
    from bokehflow.export import Artifact

Runtime = Annotated[
    str | None,
    typer.Option(help="The artifact's own runtime, or torch for the model it was exported from."),
]
RuntimeArg = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="For the runtime: provider=CUDAExecutionProvider, precision=bf16, ... Repeatable.",
    ),
]
Device = Annotated[
    str | None, typer.Option(metavar="ssh://USER@HOST[:PORT]", help="Measure on that machine.")
]
Identity = Annotated[Path | None, typer.Option(help="The private key for --device.")]
SshConfig = Annotated[Path | None, typer.Option(help="An ssh configuration for --device.")]
DEVICE_PYTHON = "python3"
DevicePython = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help=f"Python on --device, with numpy and the runtime. [default: {DEVICE_PYTHON}]",
    ),
]
Timeout = Annotated[float, typer.Option(min=1, metavar="S", help="For one artifact.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the record there.")
]


def benchmark(
    artifacts: Artifacts,
    runtime: Runtime = None,
    iterations: Annotated[int, typer.Option(min=1, help="Frames timed.")] = TIMED_FRAMES,
    warmup: Annotated[int, typer.Option(min=0, help="Frames before them.")] = WARMUP_FRAMES,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. [default: the runtime's choice]")
    ] = None,
    runtime_arg: RuntimeArg = None,
    timeout: Timeout = BENCHMARK_TIMEOUT_S,
    stages: Annotated[bool, typer.Option(help="Profile the stages of a frame too.")] = True,
    output: Output = None,
    device: Device = None,
    identity: Identity = None,
    ssh_config: SshConfig = None,
    device_python: DevicePython = None,
) -> CommandResult:
    """Time artifacts on real frames with the state carried, each in a fresh process.

    One that crashes or takes too long is a row with its reason. Exit code 1 if one did, or missed
    a budget that it could be held to, and 3 if the runtime of one is not installed, which is a row
    too unless none can run for that. What was measured before an interrupt is kept. `provider`,
    `memory_arena` are arguments of onnxruntime; `precision`, `device` of openvino; `device`,
    `precision`, `scan`, `graph` of torch; `compute_units` of coreml.
    """
    from bokehflow.atomic import require_writable
    from bokehflow.benchmarks.latency.bench import plan, require_any_runtime
    from bokehflow.benchmarks.latency.record import document
    from bokehflow.benchmarks.latency.report import row_tables
    from bokehflow.benchmarks.latency.settings import PROFILE_FRAMES, Settings, parse_arguments
    from bokehflow.benchmarks.results_file import write_json
    from bokehflow.errors import MissingDependencyError, OutputError

    arguments = parse_arguments(runtime_arg or ())
    profile = PROFILE_FRAMES if stages else 0
    settings = Settings(iterations, warmup, threads, timeout, profile, arguments)
    host = _host(device, identity, ssh_config, device_python)
    planned = plan(artifacts, runtime, settings)
    if output is not None:
        require_writable(output)
        for artifact, _ in planned:
            artifact.require_apart(output)
    rows, ended = _measured(planned, settings, host)
    if ended is None:
        require_any_runtime(rows, host)
    asked = [artifact.given.name for artifact, _ in planned]
    record, passed = document(rows, settings, host, asked, ended and ended.reason)
    warnings = untrained_warning(all(artifact.manifest.trained for artifact, _ in planned))
    codes = [int(not passed)]
    if any(row["missing"] for row in rows):
        codes.append(MissingDependencyError.exit_code)
    if ended is not None:
        # What took minutes to measure is kept.
        warnings = (*warnings, ended.warning(len(rows), len(planned), "artifacts"))
        codes.append(ended.exit_code)
    if output is not None:
        try:
            write_json(output, record)
        except OutputError as error:
            # What took minutes to measure is still shown.
            warnings = (*warnings, str(error))
            codes.append(error.exit_code)
    return CommandResult(record, tables_text(row_tables(rows)), max(codes), warnings)


def _measured(
    planned: Sequence[tuple[Artifact, str]], settings: Settings, host: Host
) -> tuple[list[dict[str, Any]], Ended | None]:
    """The rows, and what ended them early."""
    from bokehflow.benchmarks.latency.bench import benchmark_artifacts

    with progress_bar("benchmarking", len(planned)) as advance:
        return until_ended(benchmark_artifacts(planned, settings, host, advance))


def _host(
    device: str | None, identity: Path | None, ssh_config: Path | None, python: str | None
) -> Host:
    """This machine, or the one that --device names."""
    from bokehflow.benchmarks.device import SshHost, parse_address
    from bokehflow.benchmarks.latency.host import ThisMachine

    if device is not None:
        return SshHost(parse_address(device), identity, ssh_config, python or DEVICE_PYTHON)
    require_beside(
        "--device ssh://USER@HOST",
        {"--identity": identity, "--ssh-config": ssh_config, "--device-python": python},
    )
    return ThisMachine()
