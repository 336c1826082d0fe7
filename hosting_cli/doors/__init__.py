"""One module per outside system.

Should:
    talk, turn what was seen into values and what went wrong into ``hosting_cli.errors``.

Should not:
    decide, print, retry for ever, or turn a failed reading into an empty one.
"""
