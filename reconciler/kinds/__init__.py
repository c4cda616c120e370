"""One room for each kind of thing that can be declared: compare it, and say what to do, in steps.

Everything here is pure. A kind looks at what is wanted, what is recorded and what is live, and
answers with one `Decision`; nobody else knows what the steps of a kind are.
"""
