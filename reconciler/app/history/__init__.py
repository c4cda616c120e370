"""Generations: shown, compared, gone back to.

`watchdog` takes an apply back that nobody confirms.
"""
