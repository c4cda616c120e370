"""What the agents of projects used: tokens, money, and what of their budgets is left.

Nothing here looks at tmux more than once, and the stores of the CLIs are only read.
"""
