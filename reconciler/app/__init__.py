"""What the product does, for every face: plan and apply, agents, jobs, brokers, history and the monitor.

Values come in, values and streams of events go out. Nothing here knows how words are typed, prints, or asks.
`api` is what Python programs call; `reconciler` exports it.
"""
