"""How a host gets to be what the region's files say.

It should: say what a host should be (``desired``) and read what it is (``reading``), both pure and free of pyinfra;
carry out the difference with pyinfra operations, in a child process (``worker``) or by hand (``site``).
It should not: decide whether to act, keep secrets longer than an operation, or touch what does not carry our mark.
"""
