"""Count what the answers of models used: each answer once, summed by agent, model or day, with its price.

Pure: the caller reads the stores. `counting` finds duplicates, `period` reads times, `sums` adds up, `prices` asks the
kept price list of the package genai-prices, and `budgets` compares sums with what the manifests allow.
"""
