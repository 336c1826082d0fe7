"""The floor: log in to every host at once, run one script there, take the answers; nothing else that could cost time.

Run as a program of its own; it reads the hosts and what each is sent from standard input, and writes the answers.
"""

import asyncio
import json
import sys
from typing import Any

import asyncssh


async def ask(host: dict[str, str], command: str, credentials: Any) -> Any:
    """Give the answer of one host; raise ``asyncssh.Error`` or ``OSError`` if there is none."""
    async with asyncssh.connect(
        host["address"],
        username="root",
        client_keys=[credentials],
        known_hosts=f"{host['address']} {host['host_key']}\n".encode(),
        config=None,
        agent_path=None,
    ) as connection:
        done = await connection.run(command, input=host["input"], check=True)
    return json.loads(str(done.stdout))


async def main() -> None:
    """Ask all hosts at once."""
    wanted = json.load(sys.stdin)
    credentials = asyncssh.import_private_key(wanted["key"]), asyncssh.import_certificate(wanted["certificate"])
    names = list(wanted["hosts"])
    answers = await asyncio.gather(*(ask(wanted["hosts"][name], wanted["command"], credentials) for name in names))
    json.dump(dict(zip(names, answers, strict=True)), sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
