"""Prove what the kernels let through: rule sets read back, computed over every possible packet, held against the files.

- It should decide purely: listings and a region in, verdicts with example packets out.
- It should be sound: what it does not understand makes a verdict unknown, whatever else it saw.
- It should not look at the text that was generated, nor at how it was generated, so that a bug there is found.
- It should not talk to hosts: `commands/proving.py` has them read.
"""
