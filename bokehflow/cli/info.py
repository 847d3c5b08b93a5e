"""`bfx info`: a variant beside its row in the founding document's table."""

from __future__ import annotations

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import VariantName
from bokehflow.cli.doctor import PACKAGES
from bokehflow.cli.terminal import text_table
from bokehflow.cli.untrained import untrained_warning
from bokehflow.defaults import VARIANT
from bokehflow.installed import installed_version

RUNTIMES = ("torch", "onnxruntime", "onnxruntime-gpu", "openvino", "coremltools", "triton")


def info(variant: VariantName = VARIANT) -> CommandResult:
    """Show parameters against the table, state size, arithmetic a frame, budgets and runtimes."""
    from bokehflow.benchmarks.model_facts import PROFILES, model_facts
    from bokehflow.specs import find_variant
    from bokehflow.weights import load_network

    chosen = find_variant(variant)
    facts = model_facts(chosen)
    _, weights = load_network(chosen)
    off = facts.parameters / chosen.table_parameters - 1.0
    versions = {package.name: installed_version(package.name) for package in PACKAGES}
    runtimes = {name: versions[name] for name in RUNTIMES}
    document = {
        "variant": chosen.name,
        "parameters": facts.parameters,
        "table_parameters": int(chosen.table_parameters),
        "difference_percent": round(100.0 * off, 2),
        "state_bytes": facts.state_bytes,
        "gflop_per_frame": {
            name: {
                "frame": str(PROFILES[name][0]),
                "network": str(PROFILES[name][1]),
                "counted": round(value, 1),
            }
            for name, value in facts.gflop.items()
        },
        "budget": {"fps_720p": chosen.table_fps, "memory_gb_1080p": chosen.table_memory_gb},
        "weights": {"trained": weights.trained, "sha256": weights.sha256},
        "runtimes": runtimes,
    }
    rows: list[tuple[object, object]] = [
        ("parameters", f"{facts.parameters:,}"),
        ("in the table", f"{chosen.table_parameters:,.0f} ({off:+.1%})"),
        ("carried state", f"{facts.state_bytes / 1e3:.0f} kB"),
        *(
            (
                f"GFLOP a frame, {name}",
                f"{value:.1f} counted ({PROFILES[name][0]}, network {PROFILES[name][1]})",
            )
            for name, value in facts.gflop.items()
        ),
        ("budget", f"{chosen.table_fps:g} FPS at 720p, {chosen.table_memory_gb} GB at 1080p"),
        ("weights", "trained" if weights.trained else "untrained"),
        *((f"runtime {name}", version or "not installed") for name, version in runtimes.items()),
    ]
    return CommandResult(
        document,
        text_table((chosen.name, ""), rows),
        warnings=untrained_warning(weights.trained),
    )
