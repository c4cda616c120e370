"""The JSON documents that reconciler publishes, as types: one file for each schema in `schemas/`.

A file is named as its schema, and its `schema()` makes it: `make schemas`.
"""
