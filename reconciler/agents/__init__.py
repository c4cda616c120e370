"""What is known about each agent CLI: one file per CLI, with a frozen profile and small pure functions.

A profile says where to look and how to read what is found; it never looks itself. A CLI's name is a literal only in
its own file.
"""
