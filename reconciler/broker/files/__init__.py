"""The files of a broker as values: their names, what each line means, and what a change of them takes.

A set of files is written as a whole or not at all. Mistakes are found here, before a broker reads a file.
"""
