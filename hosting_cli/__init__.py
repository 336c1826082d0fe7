"""WHAT PEOPLE RUN: commands, what they decide (desired, plan, apply, checks), and the doors to the outside.

Should:
    decide with pure functions over values; let ``app`` alone build doors; return results that one place prints.

Should not:
    import hvac, boto3, asyncssh or pyinfra anywhere but in a door.
"""
