"""Several machines: Ansible runs the same `reconciler` on each host, and this room makes one view of the results.

`merge`, `board_document` and `exit_codes` are pure. `inventory`, `play` and `over_ssh` start other programs; Ansible is
one of them, and nothing here imports it. The collection `reconciler.fleet` has the module and the callback.
"""
