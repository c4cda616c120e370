"""The project that a command is about: its folder, its manifests, its registry.

`Project` has the ports for everything outside of the program.
"""
