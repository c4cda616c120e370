"""Find brokers that were made by hand, read their files, and decide what a takeover keeps and changes.

Only `folder` reads the disk. Nothing here writes.
"""
