"""How a client reaches a broker: read its settings, and print those of a user.

`connection` is the only place where the settings of a client are read. It needs no declared broker.
"""
