"""Show and compare generations, and roll back to one.

`watchdog` rolls back an apply that is not confirmed in time.
"""
