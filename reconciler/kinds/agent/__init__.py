"""Agents: declared sessions of an agent CLI, their conversations and their rows in the registry.

`case` gathers what is known about each agent and tells which are settled; only for the others
`decide` says what to do. `drift` tells where the registry and the live world differ, `rows` what is
written down, `status` how each agent is.
"""
