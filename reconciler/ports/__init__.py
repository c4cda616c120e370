"""The only doors to the world: tmux, processes, files, git, the clock.

Each door is narrow and typed, and has a fake that passes the same contract tests. Errors of the
other side are translated here; what could not be looked at is `Unknown`, never an empty list.
"""
