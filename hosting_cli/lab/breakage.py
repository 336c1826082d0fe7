"""Break one machine on purpose, and mend it.  To kill it is `machines.kill`, to bring it back `machines.restart`."""

from pathlib import Path

from hosting_cli.errors import EngineError, UsageError
from hosting_cli.lab import channels, machines, qemu

_FILLING = ".hosting-lab-filling"


def cut_link(lab: Path, name: str, network: str) -> None:
    """Pull the cable of a machine's link on *network*: the machine sees its carrier go.  Idempotent."""
    _set_link(lab, name, network, is_up=False)


def mend_link(lab: Path, name: str, network: str) -> None:
    """Plug the cable back in.  Idempotent."""
    _set_link(lab, name, network, is_up=True)


def _set_link(lab: Path, name: str, network: str, *, is_up: bool) -> None:
    networks = [link.network for link in machines.expect(lab, name).spec.links]
    if network not in networks:
        raise UsageError(f"machine {name}", f"has no link on {network}", f"It has: {', '.join(networks) or 'none'}.")
    card = qemu.card_name(networks.index(network) + 1)
    channels.control(machines.directory(lab, name), ("set_link", {"name": card, "up": is_up}))


def fill_disk(lab: Path, name: str, mount_point: str) -> None:
    """Take all the room that the file system mounted at *mount_point* has left, without writing it.  Idempotent."""
    script = (
        'mountpoint -q "$1" || { echo "nothing is mounted at $1" >&2; exit 1; };'
        ' fallocate -l "$(df --block-size=1 --output=avail "$1" | tail -n 1)" "$1/$2" 2>/dev/null;'
        # What the file system could not allot in one piece is taken bit by bit.
        ' cat /dev/zero 2>/dev/null >> "$1/$2"; sync; true'
    )
    _run_script(lab, name, script, mount_point)


def free_disk(lab: Path, name: str, mount_point: str) -> None:
    """Give back what `fill_disk` took.  Idempotent."""
    _run_script(lab, name, 'rm -f "$1/$2"; sync', mount_point)


def _run_script(lab: Path, name: str, script: str, mount_point: str) -> None:
    argv = ["sh", "-c", script, "sh", mount_point, _FILLING]
    done = channels.run(machines.directory(lab, name), argv)
    if done.status != 0:
        raise EngineError(f"machine {name}", done.errors.strip(), "Name a mount point of the machine.")
