"""Build the root file system that the hosts of the fleet share: a small Debian, kept in the cache, never written to."""

import os
from collections.abc import Iterable
from pathlib import Path

from hosting_cli.lab import cache
from hosting_cli.lab.progress import Progress, run

SUITE = "trixie"
_OF_THE_BENCHMARK = ("iproute2", "openssh-server", "python3", "python3-apt")
"""What the fleet's hosts need themselves; the last is for ansible-core's module ``apt``."""

_SYSTEMCTL = """\
#!/bin/sh
# A stand-in: no systemd runs in the namespaces of the fleet.  It knows `show`, for units that are files and links.
shift 4
separator=
for unit; do
    state=disabled
    for link in /etc/systemd/system/*.wants/"$unit"; do [ -L "$link" ] && state=enabled; done
    printf '%sLoadState=loaded\\nActiveState=active\\nUnitFileState=%s\\nNeedDaemonReload=no\\n' "$separator" "$state"
    separator='
'
done
"""


def build(cache_directory: Path, wanted: Iterable[str], progress: Progress) -> Path:
    """Return the root with the packages in *wanted*, building it first (a minute) if the cache does not have it."""
    names = sorted({*wanted, *_OF_THE_BENCHMARK})
    key = cache.key({"packages": " ".join(names), "suite": SUITE, "code": Path(__file__).read_bytes()})
    packages = cache_directory / "packages"
    packages.mkdir(parents=True, exist_ok=True)

    def fill(unfinished: Path) -> None:
        stand_in = unfinished / "systemctl"
        stand_in.write_text(_SYSTEMCTL)
        run(
            _arguments(names, packages, stand_in, unfinished / "root"),
            log=unfinished / "build.log",
            progress=progress,
            begin="building the hosts' root file system",
        )

    return cache.obtain(cache_directory / "bench" / key, fill, progress) / "root"


def _arguments(names: list[str], packages: Path, stand_in: Path, target: Path) -> list[str]:
    """Compose mmdebstrap's arguments; no mirror is named, so that it takes the one that apt is set up for."""
    return [
        "mmdebstrap",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(names)}",
        "--aptopt=APT::Install-Recommends false",
        "--aptopt=Acquire::Languages none",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale", "doc")),
        "--dpkgopt=force-unsafe-io",
        # Packages that were fetched once, for this root or for the lab's image, stay for the next build.
        *(f"--skip={step}" for step in ("download/empty", "essential/unlink", "cleanup/apt")),
        '--setup-hook=mkdir -p "$1/var/cache/apt/archives"',
        f"--setup-hook=sync-in {packages} /var/cache/apt/archives",
        f"--customize-hook=sync-out /var/cache/apt/archives {packages}",
        '--customize-hook=rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*',
        f"--customize-hook=upload {stand_in} /usr/bin/systemctl",
        '--customize-hook=chmod 755 "$1/usr/bin/systemctl"',
        SUITE,
        str(target),
    ]
