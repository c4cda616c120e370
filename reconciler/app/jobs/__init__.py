"""Prompts sent to live agents: submit, wait, answer, and the record of what happened.

`follower` is the background process that runs until no job is open.
"""
