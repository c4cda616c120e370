"""The kind `broker`: what a declared broker needs, and how one ends that is declared no more.

Pure: what there is, and what would be made, is handed in as a survey.
"""
