"""Take over what is already there: look at every source once, show one plan, and write what was agreed to.

Nothing is written before the user agrees, every file is written at once, and a second run finishes what was left.
"""
