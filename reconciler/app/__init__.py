"""What the product does, for the command line and for Python: plan, apply, agents, jobs, brokers, history, monitor.

Functions take values and return values or streams of events. Nothing here parses the command line, prints or asks.
`api` is what Python programs call; `reconciler` exports it.
"""
