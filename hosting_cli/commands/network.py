"""The network: who has which addresses, what joins establishments, what passes, and what can be ordered on call."""

from hosting_cli.commands.allocation import allocate, retire
from hosting_cli.commands.isolation import isolate, release
from hosting_cli.commands.proving import prove
from hosting_cli.commands.tunnels import tunnel

__all__ = ["allocate", "isolate", "prove", "release", "retire", "tunnel"]
