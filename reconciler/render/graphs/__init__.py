"""The graph of what is declared.

It is written in two formats that other tools draw: DOT and Mermaid.
"""
