"""Take over what is already there: what every source knows becomes one plan of manifest blocks.

One file a source turns the text of another tool into `Findings`; nothing here reads a file or asks tmux.
The same findings always give the same plan. An agent that is declared already is never declared twice,
and a secret never becomes part of a manifest.
"""
