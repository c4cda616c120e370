"""Offer the product to AI agents as tools of the Model Context Protocol, over standard input and output.

Each tool calls `app` and returns the document that its command prints with `--json`. Tools that change something exist
only if the user allows them. An agent can change itself only if the user allows that, too. Only this room knows the
package `mcp`.
"""
