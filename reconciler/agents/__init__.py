"""What is known about each agent CLI: one file a CLI, a frozen profile and small pure functions.

A profile says where to look and how to read what is found; it never looks itself. A CLI's name
stands as a literal in its own file and nowhere else.
"""
