"""reconciler: declare AI coding agents in manifests and keep their tmux sessions so.

The rooms, from the bottom up: model (values), ports (the world), agents (CLIs), kinds
(what can be declared), then manifest, plan, state, observe, apply and render, and the
command line on top. `make check` holds that order.
"""

__version__ = "0.1.0"
