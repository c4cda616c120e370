"""Message brokers: made, run, asked and proved.

A broker that a manifest declares is changed by a plan; these are the steps that a user takes one by one.
"""
