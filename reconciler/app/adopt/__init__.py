"""Adopt what already exists: look at every source once, show one plan, and write what the user approved.

Nothing is written before the user approves. Every file is written atomically, and a second run finishes the rest.
"""
