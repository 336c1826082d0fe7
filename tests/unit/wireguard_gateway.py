"""A gateway with WireGuard: the real agent, in this process, on a kernel in memory; and its peer."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from agent_here import run_agent
from with_tunnels import PEER_KEY

from deploys import names
from deploys.agent import locks
from deploys.agent import wireguard as agent
from deploys.programs.parts.wireguard import key_dates
from deploys.wireguard import Gateway
from hosting_cli.doors.hosts import Completed


def public(private: str) -> str:
    """Give what stands for the public half of a key: another text of the same form."""
    return base64.b64encode(hashlib.sha256(private.strip().encode()).digest()).decode()


@dataclass
class Kernel:
    """Answers the programs of the agent as a kernel with WireGuard makes them answer, and refuses all others."""

    keys: dict[str, str] = field(default_factory=dict)
    """The private key that each interface holds."""
    handshakes: dict[str, int] = field(default_factory=dict)
    made: int = 0

    def run(self, argv: list[str], text: str = "") -> str:  # noqa: PLR0911 one answer for each program
        match argv:
            case ["wg", "genkey"]:
                self.made += 1
                return base64.b64encode(f"private key {self.made}".rjust(32).encode()).decode() + "\n"
            case ["wg", "pubkey"]:
                return f"{public(text)}\n"
            case ["wg", "syncconf", name, "/dev/stdin"]:
                (self.keys[name],) = (
                    line.partition(" = ")[2] for line in text.splitlines() if line.startswith("PrivateKey")
                )
                return ""
            case ["wg", "show", name, "public-key"]:
                return f"{public(self.keys[name]) if self.keys[name] else '(none)'}\n"
            case ["wg", "show", name, "latest-handshakes"]:
                return f"{PEER_KEY}\t{self.handshakes.get(name, 0)}\n"
            case ["ip", "-json", "link", "show", "group", agent.GROUP]:
                return json.dumps([{"ifname": name} for name in self.keys])
            case ["ip", "link", "add", "dev", name, *_]:
                self.keys[name] = ""
            case ["ip", "link", "delete", "dev", name]:
                del self.keys[name]
            case ["ip", "-json", *_]:
                return "[]"
            case ["ip", "link", "set", *_] | ["ip", "-batch", "-"]:
                pass
            case _:
                raise AssertionError(argv)
        return ""

    def attempt(self, argv: list[str], text: str = "") -> CompletedProcess[str]:
        return CompletedProcess(argv, 0, self.run(argv, text), "")


@dataclass
class GatewayWithKey:
    """The gateway, by what its agent does and what the program that reads hosts says of it."""

    folder: Path
    kernel: Kernel
    interface: str

    def on_run(self, host: str, argv: Sequence[str], stdin: str | None) -> Completed:
        """Run the agent's command."""
        assert argv[0] == names.AGENT
        return run_agent(argv[1:], stdin)

    def answer(self) -> dict[str, Any]:
        """Give the part about WireGuard of what the host answers; of the rest no more than the keys need."""
        held = {"key": key_dates(f"{self.folder}/{self.interface}"), "public_key": self.held}
        return {"wireguard": {"value": {self.interface: held}}}

    @property
    def held(self) -> str:
        """Give the public half of what the kernel holds."""
        return public(self.kernel.keys[self.interface])

    def agree(self, known: str) -> None:
        """Have the peer, which believes that *known* is our key, agree on keys, if it is."""
        if self.held == known:
            self.kernel.handshakes[self.interface] = int(time.time()) + 1


def gateway_with_key(folder: Path, end: Gateway, patch: pytest.MonkeyPatch) -> GatewayWithKey:
    """Have the agent keep the interface of *end*, with a first key."""
    kernel = Kernel()
    (folder / "told.json").write_text(json.dumps({end.interface: {**end.told, "until": "9999-12-31"}}))
    run: Callable[..., str] = lambda argv, text="": kernel.run(argv, text)  # noqa: E731 so that a death can be put in
    for name, value in (
        ("TOLD", folder / "told.json"),
        ("KEYS", folder / "keys"),
        ("run", run),
        ("attempt", kernel.attempt),
    ):
        patch.setattr(agent, name, value)
    patch.setattr(locks, "LOCKS", folder / "locks")
    agent.keep()
    return GatewayWithKey(folder / "keys", kernel, end.interface)
