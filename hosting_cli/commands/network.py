"""The network: who has which addresses, and what of it can be ordered on call."""

from hosting_cli.commands.allocation import allocate
from hosting_cli.commands.isolation import isolate, release

__all__ = ["allocate", "isolate", "release"]
