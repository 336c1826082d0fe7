"""What is decided about backups: which snapshots are kept, whether any may go, how each application stands.

Should:
    take what doors saw as values, give decisions with their reasons, in words fit for an auditor.

Should not:
    import an engine's library, read a clock, believe what a host says about itself where the store can tell.  Only
    ``opened``, ``restoring`` and the modules of steps ask a door for anything, and only one that they are given.
"""
