"""Manifests as bytes in, one `Desired` out, or every mistake of every file at once.

Pure: files are read by whoever calls, the surroundings (home, environment) come in as a value.
`source` turns bytes into plain data with places, `check` holds it against `shape`, `variables`
and `expand` fill in what was left out, `links` sees that names refer to something.
"""

from .document import Document, ManifestContext, Source
from .load import Loaded, load, remembered

__all__ = ["Document", "Loaded", "ManifestContext", "Source", "load", "remembered"]
