"""The commands: options in, an exit code out. A file is named after its first command.

No command imports another one. Heavy libraries are imported inside the functions that need them.
"""

import sys
from importlib import import_module

if "typing_extensions" not in sys.modules:
    # msgspec prefers it to typing, but it is slow to load, and typing has all that msgspec wants since Python 3.11.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment] # to import it fails, as if it were missing
    try:
        import_module("msgspec")
    finally:
        del sys.modules["typing_extensions"]
