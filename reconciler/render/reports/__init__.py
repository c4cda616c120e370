"""Reports for people and CI.

Each is made from the findings of a document: JUnit, SARIF, Markdown, HTML and GitHub annotations.
"""
