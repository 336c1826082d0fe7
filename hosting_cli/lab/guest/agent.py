"""Run inside a lab machine, on Debian's Python: give it its identity, and run commands, over the virtual serial port.

One request is one line of JSON, answered by one line of JSON; file contents and streams are base64.

    {"id": …, "do": "identify", "hostname": …, "time_ns": …, "entropy": …, "files": {path: [mode, content]},
     "then": [argv, …]}
    {"id": …, "do": "run", "argv": […], "input": …}
    {"id": …, "do": "start", "argv": […]}

Forking costs 50 ms under emulation, which is why this is no shell script.
"""

import base64
import fcntl
import json
import os
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

PORT = Path("/dev/vport0p1")
RNDADDENTROPY, RNDRESEEDCRNG = 0x40085203, 0x5207


def write(path: Path, mode: int, content: bytes) -> None:
    """Replace *path* in one step, so that a machine killed meanwhile has the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".lab-new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        os.fsync(stream.fileno())
    fresh.replace(path)


def reseed(entropy: bytes) -> None:
    """Part with the random numbers of the template, which every clone would otherwise draw again."""
    with Path("/dev/urandom").open("wb", buffering=0) as device:
        fcntl.ioctl(device, RNDADDENTROPY, struct.pack(f"ii{len(entropy)}s", len(entropy) * 8, len(entropy), entropy))
        fcntl.ioctl(device, RNDRESEEDCRNG)


def identify(request: dict[str, Any]) -> dict[str, Any]:
    """Become the machine of *request*: clock, randomness, files and name, on the disk before anything is answered."""
    time.clock_settime_ns(time.CLOCK_REALTIME, request["time_ns"])
    reseed(base64.b64decode(request["entropy"]))
    for path, (mode, content) in request["files"].items():
        write(Path(path), mode, base64.b64decode(content))
    socket.sethostname(request["hostname"])
    os.sync()
    results = [run({"argv": argv, "input": ""}) for argv in request["then"]]
    return {"status": max((result["status"] for result in results), default=0), "results": results}


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Run one command to its end."""
    done = subprocess.run(request["argv"], input=base64.b64decode(request["input"]), capture_output=True, check=False)
    return {
        "status": done.returncode if done.returncode >= 0 else 128 - done.returncode,
        "output": base64.b64encode(done.stdout).decode(),
        "errors": base64.b64encode(done.stderr).decode(),
    }


def start(request: dict[str, Any]) -> dict[str, Any]:
    """Start one command without waiting for it: what ends the agent (a reboot) could not be answered otherwise."""
    subprocess.Popen(request["argv"], stdin=subprocess.DEVNULL, start_new_session=True)
    return {"status": 0}


def answer(line: bytes) -> dict[str, Any]:
    """Carry out one request; what goes wrong is the answer, because nobody else reads it."""
    token = None
    try:
        request = json.loads(line)
        token = request["id"]
        result = {"identify": identify, "run": run, "start": start}[request["do"]](request)
    except (OSError, ValueError, KeyError, TypeError) as error:
        result = {"status": 125, "output": "", "errors": base64.b64encode(repr(error).encode()).decode()}
    return {"id": token, **result}


def serve() -> None:
    """Answer for ever.

    The port reads as ended while no controller is connected.  It stays open all the same: closing it would throw away
    what the next one has already sent.
    """
    with PORT.open("r+b", buffering=0) as port:
        pending = b""
        while True:
            block = port.read(65536)
            if not block:
                pending = b""
                time.sleep(0.1)
                continue
            *lines, pending = (pending + block).split(b"\n")
            for line in filter(None, lines):
                unsent = memoryview(json.dumps(answer(line)).encode() + b"\n")
                while unsent:
                    # The port takes 32 KiB at a time.
                    unsent = unsent[port.write(unsent) or 0 :]


def main() -> None:
    """Wait for the port, whose driver the initramfs has loaded, and serve."""
    while not PORT.exists():
        time.sleep(0.2)
    serve()


if __name__ == "__main__":
    main()
