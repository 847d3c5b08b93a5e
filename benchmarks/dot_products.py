"""Whether this processor multiplies and adds 8-bit values in one instruction."""

from __future__ import annotations

from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
_FLAG_LINES = ("flags", "Features")
"""How Linux begins the line of a processor's abilities, on x86 and on ARM."""
_DOT_PRODUCTS = ("avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")


def eight_bit_dot_products(cpu_info: Path = CPU_INFO) -> tuple[str, ...] | None:
    """Linux's names of the 8-bit dot products that there are; None where the system does not tell.

    cpu_info: what Linux writes of its processors, the same for each.
    """
    try:
        lines = cpu_info.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in _FLAG_LINES:
            return tuple(flag for flag in _DOT_PRODUCTS if flag in value.split())
    return None
