"""Keep freed memory for the next large array.

glibc gives a large block back to the system as soon as it is freed, and gets fresh pages, zeroed
one by one, for the next. Frame after frame and step after step ask for the same sizes, and zeroing
pages anew takes a good part of the time of a large one.
"""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process's allocator keep what is freed; returns whether it is one that can."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, LARGEST_INT))
