"""From manifests, registry and a look at the world to a plan, and from a plan to what was done.

`make` makes the plan, `apply` carries it out, `drift` tells how registry and world differ.
"""
