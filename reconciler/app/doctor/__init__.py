"""Check everything that the product needs, report what is wrong, and fix what can be fixed safely.

The `look_...` modules gather facts through the ports, without judging them. `checks` judges the facts, without any
access to the system. `mend` carries out the cures that checks offer.
"""
