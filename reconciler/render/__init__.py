"""What users and scripts read. The JSON document comes first; every other form is made only from it.

The schemas of the documents are in `schemas/`, made from the types in `documents/`.
"""
