"""How one resource gets to be what it should be.

Each operation takes a resource, compares it with what the host answered, and emits only what is missing; what is right
already is said to be so.  Contents and secrets go over standard input.
"""
