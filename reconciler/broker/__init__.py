"""Make a locked-down Mosquitto, keep it so, and prove that it is.

Settings in, files out: a second making changes no byte. A set of files replaces the other as a
whole, and is checked before any broker reads it.
"""
