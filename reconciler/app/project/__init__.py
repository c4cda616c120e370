"""The project that a command is about: its folder, its manifests, its registry.

`Project` has the doors through which everything about it goes.
"""
