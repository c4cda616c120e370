"""What a user types: options in, an exit code out. A file is named after its first command.

No command knows another one. What is heavy is imported inside of the function that needs it.
"""
