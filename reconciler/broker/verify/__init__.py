"""Prove that a broker is locked down: each probe tries one thing that must work, or must fail.

A fault makes its own probe fail; probes that depend on that one are skipped and say so. That no message came is proved
by a later message that did arrive, never by waiting. Each probe cleans up what it makes.
"""
