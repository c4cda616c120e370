"""The recorded state: the registry, its lock, and a cache of what was parsed.

The registry belongs to its readers: what an edit does not name keeps every byte, and a file that cannot be trusted
is an error, never an empty registry. Whoever writes holds the lock.
"""
