"""The JSON documents that reconciler publishes, as types: one file for each schema in `schemas/`.

A file has the name of its schema. `make schemas` calls its `schema()`.
"""

FORMAT_VERSION = "1.3"
EVENTS_VERSION = "1.1"
