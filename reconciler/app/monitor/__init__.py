"""The monitor: what it looks at, what it tells, and what it does on a message.

It stands on everything else in `app`.
"""
