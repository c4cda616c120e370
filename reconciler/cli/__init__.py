"""The command line: parse, call, show, exit. Nothing is decided here.

`run` starts it; `commands` hold what a user types; what a command does is in `app`.
Each knows those that stand behind it here, never the other way round.
Only the standard library and typer are imported before a command is known.
"""
