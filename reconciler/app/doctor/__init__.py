"""Look at everything that the product needs, say what is wrong with it, and mend what is harmless.

The modules called `look_...` gather facts through the ports and judge nothing. `checks` judges the facts and touches
nothing. `mend` does what a check offers.
"""
