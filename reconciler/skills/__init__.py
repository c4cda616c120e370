"""The skills that teach agents to use this program, and their installation into a folder of the user.

Each installed file contains its own digest. So an edited file is recognised, and overwritten only with `--force`.
"""
