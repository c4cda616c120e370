"""The sinks that the monitor reports to: one file for each kind, and the catalogue of their names.

Reports that did not arrive are kept and sent again; a failing sink neither stops nor delays the monitor.
"""
