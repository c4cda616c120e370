"""The kinds of things that a manifest declares: agents, workspaces and brokers, one folder each.

Everything here is pure. A kind compares what is wanted, what is recorded and what is live, and returns one
`Decision` with the steps to take. No other room knows which steps a kind needs.
"""
