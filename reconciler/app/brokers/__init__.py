"""Make, run, inspect and test message brokers.

A plan changes a broker that a manifest declares; the functions here are the single steps that a user can take.
"""
