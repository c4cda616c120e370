"""Look again and again, correct the registry, and report each change once.

Level-based: each pass reads everything, so nothing is missed if the monitor or an event fails. It never starts, stops
or answers an agent.
"""
