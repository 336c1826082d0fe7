"""Boot a machine once and keep its memory: clones of it start in seconds, where a boot takes half a minute.

A template is valid for one QEMU, its arguments and one image; its name is made of all of these.
"""

import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hosting_cli.errors import EngineError
from hosting_cli.lab import cache, channels, console, processes, qemu
from hosting_cli.lab.image import GUEST, Image
from hosting_cli.lab.progress import Narrator, Progress
from hosting_cli.lab.recorded import recorder
from hosting_cli.lab.specification import Shape

_IGNORE_SHARED = {"capabilities": [{"capability": "x-ignore-shared", "state": True}]}
_WARM_UP = GUEST / "warm-up.sh"
_BOOT_SECONDS = 600
_MIGRATION_SECONDS = 120


@dataclass(frozen=True)
class Template:
    """A machine as it was when it had just booted."""

    key: str
    directory: Path
    kvm: bool

    @property
    def disk(self) -> Path:
        """What the running template had written; clones have an overlay each."""
        return self.directory / qemu.DISK

    @property
    def memory(self) -> Path:
        """Its RAM; clones map it privately."""
        return self.directory / "memory"

    @property
    def state(self) -> Path:
        """The state of its processor and devices."""
        return self.directory / "state"


def build(cache_directory: Path, image: Image, shape: Shape, progress: Progress, *, kvm: bool) -> Template:
    """Return the template of *image* with *shape*, booting it first (half a minute) if the cache does not have it."""
    name = key(image, shape, qemu_version(), kvm=kvm)
    place = cache_directory / "templates" / name
    cache.obtain(place, lambda unfinished: _boot_and_save(unfinished, image, shape, progress, kvm=kvm), progress)
    return Template(name, place, kvm)


def key(image: Image, shape: Shape, version: str, *, kvm: bool) -> str:
    """Name a template by all that a saved state depends on; the guest has seen how large its disk is."""
    canonical = replace(_launch(Path("/"), image, shape, kvm=kvm), ssh_port=0)
    arguments = "\0".join(qemu.arguments(canonical))
    return cache.key({"image": image.key, "qemu": version, "arguments": arguments, "shape": str(shape)})


def qemu_version() -> str:
    """Read the version of this machine's QEMU; raise EngineError when there is none."""
    try:
        done = subprocess.run([qemu.PROGRAM, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(qemu.PROGRAM, "cannot be run", "Install qemu-system-x86.") from error
    return done.stdout.splitlines()[0]


def create_overlay(base: Path, form: str, overlay: Path) -> None:
    """Make *overlay*, which holds what differs from *base*; *base* must stay where it is and as it is."""
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", form, "-b", str(base), str(overlay)]
    try:
        subprocess.run(argv, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        what = getattr(error, "stderr", None) or error
        raise EngineError(
            "qemu-img", f"cannot create {overlay.name}: {what}", "Install qemu-utils; check the disk."
        ) from error


def create_data_disk(path: Path, size_gib: int) -> None:
    """Make an empty disk, which takes no room until it is written to."""
    with path.open("xb") as stream:
        stream.truncate(size_gib << 30)


def _launch(directory: Path, image: Image, shape: Shape, *, kvm: bool) -> qemu.Launch:
    return qemu.Launch(
        title="hosting-lab-template",
        ordinal=0,
        shape=shape,
        boot=qemu.Boot(image.kernel, image.initramfs),
        kvm=kvm,
        ssh_port=processes.free_port(),
        memory=directory / "memory",
        memory_shared=True,
    )


def _boot_and_save(directory: Path, image: Image, shape: Shape, progress: Progress, *, kvm: bool) -> None:
    narrator = Narrator(progress, "booting the template")
    create_overlay(image.root, "raw", directory / qemu.DISK)
    if shape.data_disk_gib is not None:
        create_data_disk(directory / qemu.DATA, shape.data_disk_gib)
    argv = qemu.arguments(_launch(directory, image, shape, kvm=kvm))
    process = processes.start(
        "template", argv, log=directory / "qemu.log", directory=directory, record=recorder(directory)
    )
    try:
        console.wait_until_ready(directory, process, since=0, narrator=narrator, timeout_seconds=_BOOT_SECONDS)
        narrator.say("warming the template up")
        _warm_up(directory)
        narrator.say("saving the template")
        save(directory, directory / "state")
    finally:
        processes.stop(process)
    (directory / qemu.DATA).unlink(missing_ok=True)


def _warm_up(directory: Path) -> None:
    done = channels.run(directory, ["sh", "-c", _WARM_UP.read_text()])
    if done.status != 0:
        raise EngineError(
            "template", f"cannot log in to itself: {done.errors.strip()}", "Look at console.log beside it."
        )


def save(directory: Path, state: Path) -> None:
    """Stop the machine in *directory* and keep the state of its devices in *state*; its RAM already is a file."""
    with state.open("wb") as stream:
        channels.control(
            directory,
            ("getfd", {"fdname": "state"}),
            ("migrate-set-capabilities", _IGNORE_SHARED),
            ("migrate-set-parameters", {"max-bandwidth": 1 << 40}),
            ("stop", {}),
            ("migrate", {"uri": "fd:state"}),
            descriptor=stream.fileno(),
        )
        _wait_for(directory, "query-migrate", {"completed"}, {"failed", "cancelled"})
    channels.control(directory, ("quit", {}))


def restore(directory: Path, state: Path) -> None:
    """Let the waiting clone in *directory* go on from *state*."""
    with state.open("rb") as stream:
        channels.control(
            directory,
            ("getfd", {"fdname": "state"}),
            ("migrate-set-capabilities", _IGNORE_SHARED),
            ("migrate-incoming", {"uri": "fd:state"}),
            descriptor=stream.fileno(),
        )
        _wait_for(directory, "query-status", {"paused", "postmigrate", "running"}, {"internal-error", "shutdown"})
    channels.control(directory, ("cont", {}))


def _wait_for(directory: Path, query: str, good: set[str], bad: set[str]) -> None:
    deadline = time.monotonic() + _MIGRATION_SECONDS
    while time.monotonic() < deadline:
        [answer] = channels.control(directory, (query, {}))
        status = answer.get("status")
        if status in good:
            return
        if status in bad:
            break
        time.sleep(0.02)
    raise EngineError(f"machine {directory.name}", f"its state was not carried over: {answer}", "Look at its qemu.log.")
