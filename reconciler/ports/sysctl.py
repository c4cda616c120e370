"""Read a kernel value by name on BSD and macOS: sysctlbyname(3)."""

from __future__ import annotations

import sys

_LONGEST = 256  # bytes


def sysctl_text(name: str) -> str:
    """The text of this kernel value; empty when there is no such name, and on Linux, which does not have the call."""
    if sys.platform == "linux":
        return ""
    import ctypes  # noqa: PLC0415 - not needed on Linux

    answer, size = ctypes.create_string_buffer(_LONGEST), ctypes.c_size_t(_LONGEST)
    try:
        failed = ctypes.CDLL(None).sysctlbyname(name.encode(), answer, ctypes.byref(size), None, ctypes.c_size_t(0))
    except (OSError, AttributeError):  # a system without the call
        return ""
    return "" if failed else answer.value.decode(errors="replace").strip()
