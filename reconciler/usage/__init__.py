"""Count the tokens that the answers of models used: each answer once, sum_up by agent, model or day, with its price.

Pure: the caller reads the stores. `counting` removes duplicates, `period` parses times, `sums` adds up, `prices` uses
the installed price list of the package genai-prices, and `budgets` compares sums with the budgets in the manifests.
"""
