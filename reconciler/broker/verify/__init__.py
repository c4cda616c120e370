"""Prove that a broker is locked down: each probe tries one thing that must work, or must fail.

A fault makes its own probe fail; probes that rest on that one are skipped and say so. Absence is
proved by a later message that did arrive, never by waiting. What a probe makes, it takes away.
"""
