"""Carry out a plan: do its steps, check that they worked, and report each event.

Nothing is decided here. Every step is atomic and can be repeated, so there is no journal: after a crash, make a new
plan and apply it.
"""

from .run import ApplyTimeouts, Run
from .walk import apply

__all__ = ["ApplyTimeouts", "Run", "apply"]
