"""What commands do: look, ask, carry out, tell, and say by an exit code how it went.

Nothing here knows how words are typed: requests, manners and questions come in as values.
"""
