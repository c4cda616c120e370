"""YAML and JSON as text: what stands where, what it says, and how it is changed.

A YAML node and a JSON value know their place. A plain word means the same in every file, and one rule says what
needs quotes. An edit is given back only when it reads back as what was meant; outside its patches every byte stays.
Pure; only this room knows ruamel.yaml.
"""
