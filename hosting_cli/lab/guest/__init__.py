"""What the lab's virtual machines are made of: Debian packages, files, units, the guest agent and the initramfs' init.

Data, but for `agent.py`, which runs inside the guest on Debian's own Python and imports nothing of ours.
"""
