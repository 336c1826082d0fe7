"""Write and read through an encrypted volume and a bare one beside it; sent to a machine over standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

KEY = b"only for this measurement"
BLOCK = bytes(range(256)) * 4096
"""One MiB; the device is written with what no layer below could leave out."""

BARE, ENCRYPTED = "bare", "encrypted"


def prepare(wanted: dict[str, Any]) -> None:
    """Make two logical volumes of one size on the blank *device*, encrypt one as the product does, mount both."""
    run("vgcreate", "-q", "-y", "bench", wanted["device"])
    for name in (BARE, ENCRYPTED):
        run("lvcreate", "-q", "-y", "-W", "n", f"--size={wanted['mib'] + 256}m", f"--name={name}", "bench")
    run("cryptsetup", "luksFormat", *wanted["format"], "--key-file=-", "/dev/bench/encrypted", stdin=KEY)
    run("cryptsetup", "open", "--type=luks2", "--key-file=-", "/dev/bench/encrypted", "opened", stdin=KEY)
    for name, device in ((BARE, "/dev/bench/bare"), (ENCRYPTED, "/dev/mapper/opened")):
        run("mkfs.ext4", "-q", "-F", device)
        Path(f"/mnt/{name}").mkdir()
        run("mount", device, f"/mnt/{name}")


def rounds(wanted: dict[str, Any]) -> list[dict[str, dict[str, float]]]:
    """Write a file of *mib* MiB to the disk and read it back from there, on both in turn; give what each took."""
    found = []
    for number in range(wanted["rounds"]):
        figures = {}
        for name in (BARE, ENCRYPTED) if number % 2 else (ENCRYPTED, BARE):
            file = Path(f"/mnt/{name}/file")
            file.unlink(missing_ok=True)
            run("sync")
            figures[f"write, {name}"] = measured(lambda file=file: write(file, wanted["mib"]))
            Path("/proc/sys/vm/drop_caches").write_text("3")
            figures[f"read, {name}"] = measured(lambda file=file: read(file, wanted["mib"]))
        found.append(figures)
    return found


def measured(work: Any) -> dict[str, float]:
    """Give the time that *work* took, in seconds: by the clock, of this process, of all processors together."""
    begun, before, busy = time.perf_counter(), os.times(), busy_seconds()
    work()
    after = os.times()
    return {
        "wall_seconds": time.perf_counter() - begun,
        "user_seconds": after.user + after.children_user - before.user - before.children_user,
        "system_seconds": after.system + after.children_system - before.system - before.children_system,
        "host_seconds": busy_seconds() - busy,
    }


def busy_seconds() -> float:
    """Add up what all processors have worked since the start, the kernel's own threads that encrypt included."""
    user, nice, system, _, _, interrupts, soft_interrupts = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def write(file: Path, mib: int) -> None:
    with file.open("wb", buffering=0) as stream:
        for _ in range(mib):
            stream.write(BLOCK)
    run("sync", str(file))


def read(file: Path, mib: int) -> None:
    with file.open("rb", buffering=0) as stream:
        blocks = sum(stream.read(len(BLOCK)) == BLOCK for _ in range(mib))
    if blocks != mib:
        raise SystemExit(f"{file} came back with other bytes")


def run(*argv: str, stdin: bytes = b"") -> None:
    subprocess.run(argv, check=True, input=stdin, stdout=subprocess.DEVNULL)


def main(text: str) -> None:
    """Do what is asked and answer one JSON document."""
    wanted = json.loads(text)
    prepare(wanted)
    sys.stdout.write(json.dumps(rounds(wanted)))
