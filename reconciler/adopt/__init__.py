"""Adopt what already exists: merge what all sources know into one plan of manifest blocks.

Each source has one file, which turns the text of another tool into `Findings`. Nothing here reads a file or asks tmux.
The same findings always give the same plan. An agent that is already declared is never declared twice,
and a secret never gets into a manifest.
"""
