"""The budgets of a variant, and whether what was measured keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from bokehflow.benchmarks.checks import Check, at_least, at_most
from bokehflow.benchmarks.latency.settings import CHOOSES_THREADS
from bokehflow.export import Manifest
from bokehflow.specs import FULL_HD, MOBILE_FRAME, MOBILE_NETWORK, Size

MOBILE_FPS, MOBILE_THREADS = 10.0, 2
"""Nano's mobile profile on two AVX-512 cores."""
H100_FPS, H100 = 420.0, "H100"
"""720p, full network size: 45 FPS on an RTX 3060, which has 9.3 times less bandwidth."""
GPU_MEMORY_GB = 0.4
CPU_MEMORY_GB = 1.6
INT8_FILE_MB = 1.6


@dataclass(frozen=True, slots=True)
class Measured:
    """What the budgets look at. threads: as asked for, None for the runtime's choice, which it does
    not tell. accelerator: its name, None on a CPU. stranger: the runtime, if the artifact was made
    for another."""

    fps: float
    process_peak_bytes: int | None
    device_peak_bytes: int | None
    threads: int | None
    accelerator: str | None
    stranger: str | None = None


def budgets_of(manifest: Manifest, file_bytes: int, measured: Measured | None) -> list[Check]:
    """Every budget of Nano, those that this run cannot judge included.

    file_bytes: of the artifact as it was given, packed or not. measured: None where nothing ran.
    Other variants have none but the parity that their manifest names.
    """
    found = [_parity(manifest)]
    if manifest.variant != "nano":
        return found
    sizes = (manifest.frame_size, manifest.network_size)
    found += [
        _mobile_speed(manifest.target, sizes, measured),
        _gpu_speed(sizes, measured),
        _cpu_memory(sizes, measured),
        _gpu_memory(sizes, measured),
        _file_size(manifest, file_bytes),
    ]
    return found


def _parity(manifest: Manifest) -> Check:
    limit, parity = manifest.budget.parity_db, manifest.parity
    name = f"parity with the reference, {manifest.precision}"
    if parity is None:
        return at_least(name, None, limit, "dB", "bfx validate has not measured it")
    return at_least(name, parity.bokeh_psnr_db, limit, "dB")


def _mobile_speed(target: str, sizes: tuple[Size, Size], measured: Measured | None) -> Check:
    name = "speed of the mobile profile, 2 CPU threads"
    why_not = _sizes_differ(sizes, (MOBILE_FRAME, MOBILE_NETWORK)) or _not_on_cpu(measured)
    if why_not is None and measured is not None and measured.threads != MOBILE_THREADS:
        number = measured.threads or "the runtime's own number of"
        remedy = "" if target in CHOOSES_THREADS else f"; --threads {MOBILE_THREADS} would do"
        why_not = f"run with {number} threads{remedy}"
    found = measured.fps if measured and why_not is None else None
    return at_least(name, found, MOBILE_FPS, "FPS", why_not)


def _gpu_speed(sizes: tuple[Size, Size], measured: Measured | None) -> Check:
    name = "speed at 720p, full network size, H100"
    why_not = _sizes_differ(sizes, (MOBILE_FRAME, MOBILE_FRAME)) or _not_on_gpu(measured)
    if why_not is None and measured and H100 not in (measured.accelerator or ""):
        why_not = f"run on {measured.accelerator}, not an {H100}"
    found = measured.fps if measured and why_not is None else None
    return at_least(name, found, H100_FPS, "FPS", why_not)


def _cpu_memory(sizes: tuple[Size, Size], measured: Measured | None) -> Check:
    name = "process memory at 1080p, full network size, CPU"
    why_not = _sizes_differ(sizes, (FULL_HD, FULL_HD)) or _not_on_cpu(measured)
    peak = measured.process_peak_bytes if measured and why_not is None else None
    return at_most(name, _gigabytes(peak), CPU_MEMORY_GB, "GB", why_not)


def _gpu_memory(sizes: tuple[Size, Size], measured: Measured | None) -> Check:
    name = "GPU memory at 1080p, full network size"
    why_not = _sizes_differ(sizes, (FULL_HD, FULL_HD)) or _not_on_gpu(measured)
    peak = measured.device_peak_bytes if measured and why_not is None else None
    if peak is None and why_not is None:
        why_not = "the runtime does not tell"
    return at_most(name, _gigabytes(peak), GPU_MEMORY_GB, "GB", why_not)


def _file_size(manifest: Manifest, file_bytes: int) -> Check:
    name, precision = "size of the INT8 file", str(manifest.precision)
    if not precision.startswith("int8"):
        return at_most(name, None, INT8_FILE_MB, "MB", f"this one is {precision}")
    return at_most(name, file_bytes / 1e6, INT8_FILE_MB, "MB")


def _sizes_differ(found: tuple[Size, Size], wanted: tuple[Size, Size]) -> str | None:
    if found == wanted:
        return None
    return f"for a frame of {wanted[0]} and a network of {wanted[1]}, not {found[0]} and {found[1]}"


def _not_on_cpu(measured: Measured | None) -> str | None:
    if measured is None:
        return "nothing was measured"
    if measured.accelerator:
        return f"run on {measured.accelerator}"
    return f"run in {measured.stranger}, not from the artifact" if measured.stranger else None


def _not_on_gpu(measured: Measured | None) -> str | None:
    if measured is None:
        return "nothing was measured"
    return None if measured.accelerator else "run on the CPU"


def _gigabytes(size: int | None) -> float | None:
    return None if size is None else size / 1e9
