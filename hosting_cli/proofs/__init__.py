"""Prove what was promised by trying to break it: real tokens, real objects, real reboots, real packets.

Should:
    try through doors what must be refused and what must work, judge the answers with pure functions, clean up.

Should not:
    take a refusal for a proof without showing that the same attempt succeeds where it is allowed.
"""
