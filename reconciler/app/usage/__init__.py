"""Report what the agents of projects used (tokens and money), and check their budgets.

tmux is asked at most once. The stores of the CLIs are only read.
"""
