"""The agents of a project: look at all of them at once, and find agents by name.

No plan is made here.
"""
