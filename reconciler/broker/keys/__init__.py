"""The keys and certificates of a broker: read them, issue them, and say when they expire.

Keys and certificates that are still good stay the same, byte for byte.
"""
