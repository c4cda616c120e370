"""The only access to the outside: tmux, processes, files, git, MQTT, HTTP and the clock.

Each port has a small typed interface, and a fake that passes the same contract tests. Errors from outside are
translated here. A failed look is `Unknown`, never an empty list.
"""
