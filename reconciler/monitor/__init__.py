"""Looks again and again, writes down what belongs in the registry, and tells what is new, once.

Level-based: each pass reads everything, so nothing is lost when the monitor or an event is. It starts, stops and
answers nothing.
"""
