"""The kind `broker`: what a declared broker needs, and how it differs from what was made of it.

Pure: what there is, and what would be made, is handed in as a survey.
"""
