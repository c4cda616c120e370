"""The command line: parse, call, show, exit. Nothing is decided here.

`run` starts it; `commands` has one file per command; the work of a command is in `app`.
Imports go in that order only, never back.
Only the standard library is imported before the command is known, and typer only where a word is not plain.
"""
