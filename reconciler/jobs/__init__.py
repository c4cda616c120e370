"""A job: a prompt that is handed to a live agent, and followed until it is known what became of it.

Nothing is said to be delivered, done or failed without evidence. Every event that counts is signed.
"""
