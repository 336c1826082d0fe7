"""How each kind of key is replaced: without a moment in which nothing works, and proven by use before the old one goes.

Should:
    say which goal a rotation has, once, from what is read; give the steps that lead there, in the order that is safe to
    interrupt, each of which reads whether it is done.

Should not:
    carry steps out or record them (``hosting_cli.procedure`` does), remember anything between two runs.
"""
