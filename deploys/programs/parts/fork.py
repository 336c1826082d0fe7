"""Processes that run while the rest is read."""

from __future__ import annotations

import contextlib
import os


class Fork:
    """A process that runs while the rest is read; its output goes to memory files, so it never waits for us."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.output, self.errors = os.memfd_create("output"), os.memfd_create("errors")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, self.output, 1),
            (os.POSIX_SPAWN_DUP2, self.errors, 2),
        ]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "LVM_SUPPRESS_FD_WARNINGS": "1"}
        os.environ["PATH"] = environment["PATH"]  # where posix_spawnp looks: in ours, not in the one it passes on
        self.pid: int | None = None
        # Without the tool there cannot be what it would list; who asks decides.
        with contextlib.suppress(FileNotFoundError):
            self.pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)

    def result(self) -> tuple[int, bytes, bytes]:
        """Wait for the end; give the status and both outputs."""
        if self.pid is None:
            raise ValueError(f"{self.argv[0]} is not installed")
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return status, _everything(self.output), _everything(self.errors)

    def text(self) -> str:
        """Give the output; raise ``ValueError`` if the process failed."""
        status, output, errors = self.result()
        if status != 0:
            raise ValueError(f"{' '.join(self.argv[:2])} failed ({status}): {errors.decode(errors='replace').strip()}")
        return output.decode()


def _everything(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        stream.seek(0)
        return stream.read()
