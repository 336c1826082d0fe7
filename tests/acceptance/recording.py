"""Record the arguments and environments of all processes, on the controller and on hosts, while something is done."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hosting_cli.lab import channels, machines

_RECORDER = """
import glob, os, pathlib, time
seen = set()
while not os.path.exists("/run/recorder-stop"):
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            seen.add(pathlib.Path(path).read_bytes())
        except OSError:
            pass
    time.sleep(0.1)
pathlib.Path("/run/recorder-seen").write_bytes(b"\\n".join(seen))
"""
_COLLECT = (
    "touch /run/recorder-stop; until cat /run/recorder-seen 2>/dev/null; do sleep 1; done;"
    " rm /run/recorder-stop /run/recorder-seen"
)


@contextmanager
def recorded(lab: Path, hosts: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """Record processes while the block lasts; what is given is filled in when it ends."""
    seen: dict[str, bytes] = {}
    ended, here = threading.Event(), set[bytes]()
    watcher = threading.Thread(target=_watch, args=(ended, here))
    for host in hosts:
        channels.start(machines.directory(lab, host), ["python3", "-I", "-S", "-c", _RECORDER])
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()
        seen["processes of the controller"] = b"\n".join(here)
        for host in hosts:
            ran = channels.run(machines.directory(lab, host), ["sh", "-c", _COLLECT])
            assert ran.status == 0, ran
            seen[f"processes of {host}"] = ran.output.encode()


def _watch(ended: threading.Event, seen: set[bytes]) -> None:
    while not ended.wait(0.05):
        for path in (*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")):
            with suppress(OSError):
                seen.add(path.read_bytes())
