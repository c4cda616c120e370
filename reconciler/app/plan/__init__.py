"""Make plans from manifests, registry and the live world, and carry them out.

`make` makes the plan, `apply` carries it out, `drift` compares the registry with the live world.
"""
