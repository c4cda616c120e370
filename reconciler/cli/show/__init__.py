"""Show the values and events that `app` returns.

Results go to standard output, everything else to standard error; JSON and text are made by `render`.
"""
