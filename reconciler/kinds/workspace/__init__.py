"""Workspaces: folders, some of them git worktrees.

A missing folder is created and recorded as ours. A folder that existed before, or that holds work, is never removed.
`case` finds the settled workspaces, which need nothing; `decide` says what to do about the others.
"""
