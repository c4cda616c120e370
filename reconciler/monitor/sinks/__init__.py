"""Whom the monitor tells: one file for each way, and the words that choose them.

What was not told is kept and tried again; a sink that fails neither stops nor delays the monitor.
"""
