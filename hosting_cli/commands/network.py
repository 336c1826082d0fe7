"""The network: what of it can be ordered on call."""

from hosting_cli.commands.isolation import isolate, release

__all__ = ["isolate", "release"]
