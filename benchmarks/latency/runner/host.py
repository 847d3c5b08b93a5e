"""What machine this is, and how much memory this process has used at its peak."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

KIB = 1024
ASK_S = 20.0
"""How long nvidia-smi may take: a driver in trouble never answers."""


def describe_host() -> dict[str, Any]:
    """Processor, system, processors this process may use, memory and Python; None if unknown."""
    return {
        "processor": processor_name(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu_count": usable_processors(),
        "memory_bytes": _total_memory(),
        "gpu": _ask_gpu("name"),
        "python": platform.python_version(),
    }


def usable_processors() -> int:
    """Logical processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory_bytes() -> int | None:
    """The largest resident size this process has had; None where the system does not tell.

    Linux: VmHWM, which starts anew with each program, unlike getrusage.
    """
    if Path("/proc/self/status").exists():
        return _status_line("/proc/self/status", "VmHWM:")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None


def gpu_memory_bytes() -> int | None:
    """Memory in use on the NVIDIA GPU that CUDA takes, by everyone; None without nvidia-smi, and
    where it does not tell, as of a GPU that shares the system's memory."""
    used = _ask_gpu("memory.used")
    return int(used) * KIB * KIB if used is not None and used.isdigit() else None


def _ask_gpu(field: str) -> str | None:
    """One field of the first NVIDIA GPU that this process may use; None without one."""
    # Numbers or names, as nvidia-smi knows them too.
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    if first in ("", "-1"):
        return None
    query = f"--query-gpu={field}"
    command = ["nvidia-smi", f"--id={first}", query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=ASK_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def processor_name() -> str | None:
    """As the system tells it: Linux in a file, macOS through a command; None if unknown."""
    cpuinfo, model = Path("/proc/cpuinfo"), Path("/proc/device-tree/model")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    if model.exists():
        return model.read_text(encoding="utf-8").strip("\0\n ")
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
    return platform.processor() or None


def _total_memory() -> int | None:
    if Path("/proc/meminfo").exists():
        return _status_line("/proc/meminfo", "MemTotal:")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _status_line(path: str, name: str) -> int | None:
    """The kilobytes beside `name` in one of Linux's status files, in bytes."""
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * KIB
    return None
