"""Prompts handed to live agents: submit, wait, answer, and the record of what happened.

`follower` is what goes on in the background until no job is open.
"""
