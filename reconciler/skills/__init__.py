"""The skills by which agents use this program, and their way into a folder of the user's.

A file that somebody has edited is never overwritten unasked: what is written carries its own digest.
"""
