"""The command line: parse, call, show, exit. Nothing is decided here.

`run` starts it; `commands` hold what a user types, `operations` what a command does, `wiring` what it does that with.
Each knows those that stand behind it here, never the other way round.
Only the standard library and typer are imported before a command is known.
"""
