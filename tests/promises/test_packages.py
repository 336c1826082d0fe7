"""What is started on this machine by name comes from a Debian package that `make` installs."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

PACKAGES = {
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "ssh": "openssh-client",
}
"""Which package a program comes from, for those that a Debian without them lacks."""

STARTED = re.compile(r"""(?:\[|run\(|which\(|PROGRAM = )\s*["']([a-z][a-z0-9_-]*)["']""")
"""The first word of an argument vector, as all of them are written here."""


def test_every_program_comes_from_a_package_that_is_installed() -> None:
    lists = (ROOT / ".ci").glob("debian-packages-*.txt")
    listed = {line.partition("#")[0].strip() for file in lists for line in file.read_text().splitlines()}
    files = [path for room in ("hosting_cli/lab", "tests/bench") for path in (ROOT / room).rglob("*.py")]
    started = {word for path in files for word in STARTED.findall(path.read_text())}
    assert PACKAGES.keys() <= started, "a program that nobody starts needs no package"
    assert {f"{name} is in {PACKAGES[name]}" for name in PACKAGES if PACKAGES[name] not in listed} == set()
