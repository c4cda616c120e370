"""The agents of a project: one look at all of them, and the ones that names stand for.

No plan is made here.
"""
