"""Read and edit YAML and JSON as text.

Every YAML node and JSON value has its place in the text. A plain word means the same in every file, and one rule
decides what needs quotes. After an edit, the text is read again: it must say what was intended, else Unpatchable is
raised. Outside of its patches, every byte stays. Data that fits a JSON Schema is known quickly. Pure; only this room
imports ruamel.yaml.
"""
