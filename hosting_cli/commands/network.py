"""The network: who may reach whom, on paper, and what of it can be ordered on call."""

from hosting_cli.commands.isolation import isolate, release
from hosting_cli.commands.matrix import graph, matrix

__all__ = ["graph", "isolate", "matrix", "release"]
