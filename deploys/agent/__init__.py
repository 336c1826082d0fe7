"""What runs on a host, on Debian's own Python and nothing else: the hands of units that need the vault.

Installed below ``/usr/local/lib/hosting``; its modules import each other relatively, and nothing of this repository.
Secrets arrive over standard input or from the vault, and leave over standard input or through memory files.
"""
