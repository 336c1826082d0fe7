"""EVIDENCE: what checks saw, recorded so that nobody has to take our word for it.

Should: write records that are signed, chained and locked; keep what they were made from beside them, by its digest;
verify them where they are kept; and pack them for somebody who verifies them alone, with `programs/verify.py`.
Should not: judge anything, hold a secret, change or leave out what is kept, or know a second way to verify.
"""
