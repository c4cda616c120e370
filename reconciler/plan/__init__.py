"""Compare, order, guard: three pure steps from what is wanted, recorded and live to one plan.

The same input always gives the same plan, and an apply of it followed by another comparison gives
an empty one.
"""
