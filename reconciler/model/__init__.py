"""Frozen values and nothing else: no input, no output, no clock.

Every other room uses these values. A value never changes after it is made, compares by content, and can be built in a
test in one line.
"""
