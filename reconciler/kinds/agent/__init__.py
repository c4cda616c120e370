"""Agents: declared sessions of an agent CLI, their conversations and their rows in the registry.

`case` collects what is known about each agent and finds the settled ones, which need nothing. `decide` says what to
do about the others. `drift` compares the registry with the live agents, `rows` makes the registry edits, and
`status` describes each agent in one line.
"""
