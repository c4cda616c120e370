"""Do the jobs that other hosts send to this one: claim them, give them to agents, follow them, tell what came of it.

Everything that is known about a claimed job is in its record here, so a runner that was killed goes on where it was.
"""
