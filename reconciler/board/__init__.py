"""The board on a terminal: shows the document of `app.board` and turns keys into actions. It decides nothing else.

A key never waits: whatever looks or acts runs in a thread, and its result comes back as a message. Text of others is
made harmless before it is drawn. Only this room imports Textual.
"""
