"""The commands: options in, an exit code out. A file is named after its first command.

No command imports another one. Heavy libraries are imported inside the functions that need them.
"""
