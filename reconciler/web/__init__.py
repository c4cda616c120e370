"""The board in a browser: shows the document of `app.board` as pages, and turns forms into its actions.

Every page works without script; a small script of ours keeps it up to date. Without a login, nothing can be read, and
nothing can be done unless the user allows it. Text of others is data: it is escaped in one place, and no page runs or
loads anything but what is in this room. Only this room knows starlette and uvicorn.
"""
