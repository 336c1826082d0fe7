"""The network: what joins establishments to their applications, and nothing else."""

from hosting_cli.commands.tunnels import tunnel

__all__ = ["tunnel"]
