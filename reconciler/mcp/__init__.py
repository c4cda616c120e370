"""Offers the product to AI agents, as tools of the Model Context Protocol over standard input and output.

Each tool calls `app` and returns the document that its command prints with `--json`. Tools that change something exist
only when the user allows them, and an agent does nothing to itself unless that is allowed, too. Only this room knows
the package `mcp`.
"""
