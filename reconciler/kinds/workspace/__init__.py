"""Workspaces: folders, some of them git worktrees.

A missing folder is made and recorded as ours. What was there before us, and what holds work, is
never removed. `case` tells which workspaces are settled; only for the others `decide` says what to do.
"""
