"""What a benchmark is asked to do, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bokehflow.defaults import BENCHMARK_TIMEOUT_S, TIMED_FRAMES, WARMUP_FRAMES
from bokehflow.errors import UnknownNameError, UsageError
from bokehflow.runtimes import runtime_of

TORCH = "torch"
PROFILE_FRAMES = 6
"""Frames run with the profiler; the first two are not counted."""
MOST_TIMEOUT_S = 1e6
"""Eleven days. Operating systems count how long they wait, and not without end."""
MOST_THREADS = 1024
"""More than any machine that this is for has cores; a runtime starts as many as it is told."""
ARGUMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "onnxruntime": {"provider": (), "memory_arena": ("on", "off")},
    "openvino": {"device": (), "precision": ("fp32", "bf16", "fp16")},
    "coreml": {"compute_units": ("ALL", "CPU_AND_GPU", "CPU_ONLY", "CPU_AND_NE")},
    TORCH: {
        "device": ("cpu", "cuda"),
        "precision": ("fp32", "bf16", "fp16"),
        "scan": ("chunked", "cpu", "triton"),
        "graph": ("on", "off"),
    },
}
"""What `--runtime-arg` takes, by runtime, with the values there are; () where the runtime knows."""

CHOOSES_THREADS = ("coreml",)
"""Runtimes that take no number of threads."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure. threads None: the runtime's own choice. arguments: for the runtime, checked
    by `check_arguments`. profile: frames run for the split by stage, 0 for none.

    Raises UsageError for numbers that make no sense.
    """

    iterations: int = TIMED_FRAMES
    warmup: int = WARMUP_FRAMES
    threads: int | None = None
    timeout_s: float = BENCHMARK_TIMEOUT_S
    profile: int = PROFILE_FRAMES
    arguments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("iterations", 1), ("warmup", 0), ("timeout_s", 1), ("profile", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name}={getattr(self, name)}", f"at least {least}")
        if not self.timeout_s <= MOST_TIMEOUT_S:  # nor NaN
            raise UsageError(f"timeout_s={self.timeout_s:g}", f"at most {MOST_TIMEOUT_S:,.0f} s")
        if self.threads is not None and not 1 <= self.threads <= MOST_THREADS:
            raise UsageError(f"threads={self.threads}", f"1 to {MOST_THREADS}")


def parse_arguments(pairs: Iterable[str]) -> dict[str, str]:
    """`KEY=VALUE` strings as a mapping. Raises UsageError for another form and for a key twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals and value):
            raise UsageError(f"runtime argument {pair!r}", "KEY=VALUE")
        if key in found:
            raise UsageError(f"runtime argument {key!r} given twice", "each key once")
        found[key] = value
    return found


def check_arguments(runtime: str, arguments: Mapping[str, str]) -> None:
    """Raise UnknownNameError for a key or value that the runtime does not take."""
    known = ARGUMENTS[runtime]
    for key, value in arguments.items():
        if key not in known:
            raise UnknownNameError(f"runtime argument for {runtime}", key, known)
        if known[key] and value not in known[key]:
            raise UnknownNameError(f"{key} for {runtime}", value, known[key])


def check_threads(runtime: str, threads: int | None) -> None:
    """Raise UsageError for a number of threads where the runtime takes none."""
    if threads is not None and runtime in CHOOSES_THREADS:
        raise UsageError(
            f"--threads {threads} for {runtime}, which chooses their number itself",
            "no --threads",
            "measure artifacts of other formats apart",
        )


def choose_runtime(target: str, runtime: str | None) -> str:
    """The runtime for artifacts of a target: its own, or `torch` for the model behind it.

    Raises UnknownNameError for a runtime that does not exist and UsageError for one that does not
    run this format.
    """
    own = runtime_of(target)
    if runtime is not None and runtime not in ARGUMENTS:
        raise UnknownNameError("runtime", runtime, ARGUMENTS)
    if runtime not in (None, own, TORCH):
        raise UsageError(
            f"runtime {runtime!r} for a {target} artifact",
            f"{own}, or {TORCH} for the model it was exported from",
        )
    return runtime or own
