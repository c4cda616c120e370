"""Turn the bytes of all manifests into one `Desired`, or report every mistake of every file at once.

Pure: the caller reads the files, and passes home and environment as a value. `source` turns bytes into plain data with
places, `check` compares it with `shape`, and `composition` writes out blocks that stand for several or build on another
one. `variables` and `expand` fill in variables and defaults, `links` checks that names refer to something.
"""

from .document import ALL_PROFILES, PROFILES, Document, ManifestContext, Source, active_profiles
from .load import Include, Loaded, includes, load, remembered
from .variables import HOST_VALUES, host_values, host_values_text

__all__ = [
    "ALL_PROFILES",
    "HOST_VALUES",
    "PROFILES",
    "Document",
    "Include",
    "Loaded",
    "ManifestContext",
    "Source",
    "active_profiles",
    "host_values",
    "host_values_text",
    "includes",
    "load",
    "remembered",
]
