"""Build the lab's image: a Debian root file system, its kernel and its initramfs, kept in the cache.

`mmdebstrap` makes the system from Debian's mirror and `mke2fs` writes it as a file system from inside the same run, so
that neither a loop device nor root is needed.
"""

import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hosting_cli.lab import cache, initramfs
from hosting_cli.lab.progress import Progress, run

GUEST = Path(__file__).parent / "guest"
SUITE = "trixie"
SIZE = "6G"
_CLUSTERS = "/etc/postgresql-common/createcluster.d"
AGENT_PATH = "usr/local/lib/hosting-lab/agent.py"

# No manual pages or translations; licences stay.
_DPKG_OPTIONS = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "force-unsafe-io",
)
_FILE_SYSTEM = (
    "/sbin/mke2fs -q -F -t ext4 -J size=16 -m 0 -L lab-root -U 11111111-2222-3333-4444-666666666666"
    " -E lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0,hash_seed=11111111-2222-3333-4444-555555555555"
)


@dataclass(frozen=True)
class Image:
    """A built image; the file system is never written to, machines have an overlay each."""

    key: str
    directory: Path

    @property
    def root(self) -> Path:
        """The root file system, raw."""
        return self.directory / "root.raw"

    @property
    def kernel(self) -> Path:
        """The kernel that machines are booted with directly."""
        return self.directory / "vmlinuz"

    @property
    def initramfs(self) -> Path:
        """What mounts the root file system."""
        return self.directory / "initramfs.cpio"


def build(cache_directory: Path, progress: Progress) -> Image:
    """Return the image of the present inputs, building it first (some minutes) if the cache does not have it."""
    name = key()
    packages = cache_directory / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    place = cache_directory / "images" / name
    return Image(name, cache.obtain(place, lambda unfinished: _fill(unfinished, packages, progress), progress))


def key() -> str:
    """Name the image by everything that it is made of; Debian's own updates do not count until an input changes."""
    files = {str(path.relative_to(GUEST)): path.read_bytes() for path in _guest_files()}
    code = {module: (Path(__file__).parent / module).read_bytes() for module in ("image.py", "initramfs.py")}
    return cache.key({**files, **code})


def _guest_files() -> Iterator[Path]:
    return (path for path in sorted(GUEST.rglob("*")) if path.is_file() and path.suffix != ".pyc")


def package_names(text: str) -> tuple[str, ...]:
    """List the packages of a list with comments and empty lines."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def _fill(unfinished: Path, packages: Path, progress: Progress) -> None:
    overlay = unfinished / "files.tar"
    overlay.write_bytes(files_archive())
    root = unfinished / "root.raw"
    descriptor = os.open(root, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        # In --mode=unshare another user writes it, through the open descriptor.
        os.fchmod(descriptor, 0o666)
        argv = arguments(overlay, packages, unfinished, f"/proc/self/fd/{descriptor}", is_root=os.geteuid() == 0)
        run(
            argv,
            log=unfinished / "build.log",
            progress=progress,
            begin="reading Debian's package lists",
            describe=describe,
            pass_descriptors=[descriptor],
        )
        os.fchmod(descriptor, 0o444)
    finally:
        os.close(descriptor)
    boot = unfinished / "lab-boot"
    (boot / "vmlinuz").rename(unfinished / "vmlinuz")
    (unfinished / "initramfs.cpio").write_bytes(initramfs.build(boot, (GUEST / "init").read_bytes()))
    shutil.rmtree(boot)
    overlay.unlink()


def arguments(files: Path, packages: Path, output: Path, file_system: str, *, is_root: bool) -> list[str]:
    """Compose mmdebstrap's arguments; no mirror is named, so that it takes the one that apt is set up for."""
    names = package_names((GUEST / "packages.txt").read_text())
    hooks = (
        ("setup", 'mkdir -p "$1/var/cache/apt/archives"'),
        ("setup", f"sync-in {packages} /var/cache/apt/archives"),
        # As on every host of ours: no server of databases begins with its files in clear.
        ("setup", f'mkdir -p "$1{_CLUSTERS}" && echo "create_main_cluster = false" > "$1{_CLUSTERS}/lab.conf"'),
        ("customize", f"tar-in {files} /"),
        ("customize", (GUEST / "customize.sh").read_text()),
        ("customize", f"sync-out /var/cache/apt/archives {packages}"),
        ("customize", f"copy-out /lab-boot {output}"),
        ("customize", 'rm -rf "$1"/lab-boot "$1"/var/cache/apt/archives/*'),
        # mmdebstrap holds the kernel's own file systems mounted there, and warns when it finds them gone.
        ("customize", f'umount --lazy "$1/proc" "$1/sys" && {_FILE_SYSTEM} -d "$1" {file_system} {SIZE}'),
    )
    return [
        "mmdebstrap",
        f"--mode={'root' if is_root else 'unshare'}",
        "--variant=minbase",
        "--format=null",
        "--verbose",
        f"--include={','.join(names)}",
        "--aptopt=APT::Install-Recommends false",
        "--aptopt=Acquire::Languages none",
        *(f"--dpkgopt={option}" for option in _DPKG_OPTIONS),
        # Packages that were fetched once stay for the next build.
        *(f"--skip={step}" for step in ("download/empty", "essential/unlink", "cleanup/apt")),
        *(f"--{step}-hook={hook}" for step, hook in hooks),
        SUITE,
        "/dev/null",
    ]


def files_archive() -> bytes:
    """Put `guest/files` and the agent into a tar archive that root owns, whoever owns the checkout."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        sources = {str(path.relative_to(GUEST / "files")): path for path in sorted((GUEST / "files").rglob("*"))}
        for name, path in {**sources, AGENT_PATH: GUEST / "agent.py"}.items():
            if path.is_file():
                member = tarfile.TarInfo(name)
                member.size, member.mode = path.stat().st_size, 0o644
                archive.addfile(member, io.BytesIO(path.read_bytes()))
    return stream.getvalue()


_STEPS = (
    (re.compile(r"^Get:\d+ \S+ \S+ (?:\S+ )?(\S+) (?:amd64|all|arm64) "), "fetching {}"),
    (re.compile(r"^Unpacking (\S+)"), "unpacking {}"),
    (re.compile(r"^Setting up (\S+)"), "setting up {}"),
    (re.compile(r"^I: running --customize-hook in shell: .*mke2fs"), "writing the file system"),
    (re.compile(r"^I: running special hook: (\S+)"), "copying ({})"),
)


def describe(line: str) -> str | None:
    """Say in a few words what a line of mmdebstrap's output means, or nothing."""
    for pattern, text in _STEPS:
        if found := pattern.search(line):
            return text.format(*found.groups())
    return None
