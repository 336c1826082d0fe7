"""See what is mounted, and keep the empty directory below a mount point from ever being written to."""

from pathlib import Path

from .processes import run
from .settings import AgentError


def mounts() -> dict[str, str]:
    """Give the device behind each mount point; of several, the one on top."""
    found = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        found[before.split(" ")[4].encode().decode("unicode_escape")] = after.split(" ")[1]
    return found


def reserve_mount_point(path: Path) -> None:
    """Make the directory below a mount point immutable, so that nothing is written in clear while it is not mounted.

    Raise ``AgentError`` if something is in it already: mounting would hide it.
    """
    if str(path) in mounts():
        return
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise AgentError(f"{path} is not empty: a volume mounted there would hide what it holds")
    run(["chattr", "-i", str(path)])
    path.chmod(0)
    run(["chattr", "+i", str(path)])
