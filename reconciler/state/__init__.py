"""The recorded state: the registry, its lock, the history of applies, and a cache of parsed files.

Other programs and people also read the registry, so an edit keeps all other bytes. A file that cannot be trusted is an
error, never an empty registry. A generation is written completely or not at all. Every writer holds the lock.
"""
