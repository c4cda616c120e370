"""The graph of what is declared.

It is written in two languages that other tools draw: DOT and Mermaid.
"""
