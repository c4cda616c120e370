"""Make the plan: compare what is wanted, recorded and live, order the actions, and check the guards. Pure.

The same input always gives the same plan. After the plan is applied, the next one is empty.
"""
