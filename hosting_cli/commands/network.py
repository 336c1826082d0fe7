"""The network: who has which addresses, what passes, and what of it can be ordered on call."""

from hosting_cli.commands.allocation import allocate, retire
from hosting_cli.commands.isolation import isolate, release
from hosting_cli.commands.proving import prove

__all__ = ["allocate", "isolate", "prove", "release", "retire"]
