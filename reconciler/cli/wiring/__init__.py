"""What connects the rooms: a project with its doors, its manifests, and what is requested of it.

`wire` joins them: manifests, registry and a look at the world become a plan.
"""
