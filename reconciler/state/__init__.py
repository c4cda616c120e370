"""The recorded state: the registry, its lock, what was applied, and a cache of what was parsed.

The registry belongs to its readers: what an edit does not name keeps every byte, and a file that cannot be trusted
is an error, never an empty registry. A generation is written whole or not at all. Whoever writes holds the lock.
"""
