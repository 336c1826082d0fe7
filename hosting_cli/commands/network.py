"""The network: who has which addresses, who may reach whom, what passes, and what of it can be ordered on call."""

from hosting_cli.commands.allocation import allocate, retire
from hosting_cli.commands.isolation import isolate, release
from hosting_cli.commands.matrix import graph, matrix
from hosting_cli.commands.probing import probe
from hosting_cli.commands.proving import prove
from hosting_cli.commands.tunnels import tunnel

__all__ = ["allocate", "graph", "isolate", "matrix", "probe", "prove", "release", "retire", "tunnel"]
