"""The board: all agents of some projects in one document, kept up to date, and what a user can do with an agent.

Every face that shows a board stands on this. It may import everything else in `app`.
"""
