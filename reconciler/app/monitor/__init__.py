"""The monitor: what it looks at, what it reports, and what it does when a job event arrives.

It may import everything else in `app`.
"""
