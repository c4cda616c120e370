"""Brokers that were made by hand: find their folders, read them, say what they mean, and take over what still serves.

Only `folder` reads the disk. Nothing here writes.
"""
