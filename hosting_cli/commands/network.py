"""The network: who may reach whom, on paper."""

from hosting_cli.commands.matrix import matrix

__all__ = ["matrix"]
