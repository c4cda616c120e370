"""Read a kernel value by name on BSD and macOS: sysctlbyname(3)."""

from __future__ import annotations

import sys

_LONGEST = 256  # bytes

if sys.platform == "linux":

    def sysctl_text(name: str) -> str:  # noqa: ARG001 - as below
        """Nothing: Linux does not have the call."""
        return ""

else:
    import ctypes

    def sysctl_text(name: str) -> str:
        """The text of this kernel value; empty when there is no such name."""
        answer, size = ctypes.create_string_buffer(_LONGEST), ctypes.c_size_t(_LONGEST)
        try:
            failed = ctypes.CDLL(None).sysctlbyname(name.encode(), answer, ctypes.byref(size), None, ctypes.c_size_t(0))
        except (OSError, AttributeError):  # a system without the call
            return ""
        return "" if failed else answer.value.decode(errors="replace").strip()
