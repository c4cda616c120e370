"""The command line: parse, call, show, exit. One file a command group; `wire` joins the concrete parts.

Nothing is decided here. Only the standard library and typer are imported before a command is known.
"""
