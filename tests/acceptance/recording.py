"""Record the arguments and environments of all processes, on the controller and on hosts, while something is done."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hosting_cli.lab import channels, machines

_RECORDER = (Path(__file__).parent / "recorder.py").read_text(encoding="utf-8")
_COLLECT = """
touch $1-stop
for _ in $(seq 60); do [ -e $1-seen ] && break; sleep 1; done
cat $1-seen && rm $1-stop $1-seen
"""
"""What has failed leaves nothing, which is an error here."""


@contextmanager
def recorded(lab: Path, hosts: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """Record processes while the block lasts; what is given is filled in when it ends."""
    seen: dict[str, bytes] = {}
    there, here = "/run/recorder", str(lab / "recorder")
    for host in hosts:
        channels.start(machines.directory(lab, host), ["python3", "-I", "-S", "-c", _RECORDER, there])
    watcher = subprocess.Popen([sys.executable, "-I", "-S", "-c", _RECORDER, here])
    try:
        yield seen
    finally:
        collect = ["sh", "-c", _COLLECT, "sh"]
        seen["processes of the controller"] = subprocess.run([*collect, here], check=True, capture_output=True).stdout
        watcher.wait()
        for host in hosts:
            ran = channels.run(machines.directory(lab, host), [*collect, there])
            assert ran.status == 0, ran
            seen[f"processes of {host}"] = ran.output.encode()
