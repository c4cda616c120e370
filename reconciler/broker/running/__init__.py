"""The broker as a process: find the program and the port, start it, ask it to reload, stop it.

`recognise` knows a healthy broker again without loading the libraries that check one.
"""
