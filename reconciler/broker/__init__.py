"""Make a locked-down Mosquitto, keep it locked down, and prove it.

Files are computed from settings: the same settings give the same bytes. A new set of files replaces the old one as a
whole, and is checked before a broker reads it.
"""
