"""The checks of `doctor`: each is a small function from facts to results.

They look at nothing themselves, so the same facts always give the same results.
"""
