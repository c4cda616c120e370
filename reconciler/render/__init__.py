"""What users and scripts read. The JSON document comes first; every other form is made from it alone.

The documents are published in `schemas/`, made from the types in `shape.py`.
"""
