"""Keys and secrets as an inventory: what there is of each, how old it is, and what its age calls for.

Should:
    be values and decisions, given what doors saw, the region's key policy and the time.

Should not:
    ask an engine or the clock, hold a secret.
"""
