"""Brokers: what a declared broker needs, and how a broker ends that no manifest declares any more.

Pure: a `Survey` says what exists and what would be written.
"""
