"""QEMU's arguments, as pure functions.

Every file that belongs to one machine is named relative to its directory, where QEMU is started: the path of a Unix
socket may not be longer than 107 bytes, and that of a lab's directory may.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hosting_cli.lab import addresses
from hosting_cli.lab.specification import Forward, Shape

PROGRAM = "qemu-system-x86_64"
DISK, DATA, CONSOLE, QMP, AGENT = "disk.qcow2", "data.raw", "console.log", "qmp.sock", "agent.sock"

# Emulation: what costs time or was seen to go wrong in it is off.  The buffer of translated code is as large as QEMU
# makes it: with 128 MiB, which fill up within five seconds of work and are begun anew, a tenth more is computed.
_TCG = ("-accel", "tcg,thread=multi")
_TCG_CPU = "max,la57=off,svm=off,erms=off,fsrm=off,smap=off,smep=off,pku=off,umip=off"
_KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet loglevel=3 mitigations=off tsc=reliable no_timer_check random.trust_cpu=on"
    " cryptomgr.notests rcupdate.rcu_expedited=1 rcupdate.rcu_normal_after_boot=0 lsm=capability 8250.nr_uarts=1"
    " net.ifnames=0 systemd.show_status=false panic=-1"
)


@dataclass(frozen=True)
class Port:
    """Where a link's frames go: datagram sockets of ours and of the segment's switch, both relative paths."""

    local: str
    switch: str


@dataclass(frozen=True)
class Boot:
    """What a machine starts from."""

    kernel: Path
    initramfs: Path


@dataclass(frozen=True)
class Launch:
    """One start of QEMU.

    *memory* is the file that holds the RAM; a template shares it (so that it stays behind), a clone maps it privately.
    *clone* waits for a saved state instead of booting.
    """

    title: str
    ordinal: int
    shape: Shape
    boot: Boot
    kvm: bool
    ssh_port: int
    metrics_port: int | None = None
    ports: tuple[Port | None, ...] = ()
    forwards: tuple[Forward, ...] = ()
    memory: Path | None = None
    memory_shared: bool = False
    clone: bool = False


def arguments(launch: Launch) -> list[str]:
    """Compose QEMU's arguments.  Clones need the very devices of their template, in the same order."""
    return [
        PROGRAM,
        *("-name", escaped(launch.title), "-nodefaults", "-no-user-config", "-display", "none"),
        *_processor(launch),
        *_memory(launch),
        *("-kernel", str(launch.boot.kernel), "-initrd", str(launch.boot.initramfs), "-append", _KERNEL_ARGUMENTS),
        *("-chardev", f"file,id=console,path={CONSOLE},append=on", "-serial", "chardev:console"),
        *("-qmp", f"unix:{QMP},server=on,wait=off"),
        *("-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={AGENT},server=on,wait=off"),
        *("-device", "virtserialport,chardev=agent,name=lab.agent"),
        *_disks(launch.shape),
        *_network(launch),
        *("-device", "virtio-rng-pci"),
        *(("-incoming", "defer") if launch.clone else ()),
    ]


def escaped(value: str) -> str:
    """Double the commas, which otherwise end a value."""
    return value.replace(",", ",,")


def _processor(launch: Launch) -> tuple[str, ...]:
    accelerator = ("-accel", "kvm", "-cpu", "host") if launch.kvm else (*_TCG, "-cpu", _TCG_CPU)
    return (*accelerator, "-smp", "1")


def _memory(launch: Launch) -> Iterator[str]:
    size = f"{launch.shape.memory_mib}M"
    yield from ("-m", size, "-machine", "q35,memory-backend=memory")
    if launch.memory is None:
        yield from ("-object", f"memory-backend-ram,id=memory,size={size}")
    else:
        share = "on" if launch.memory_shared else "off"
        path = escaped(str(launch.memory))
        yield from ("-object", f"memory-backend-file,id=memory,size={size},mem-path={path},share={share}")


def _disks(shape: Shape) -> Iterator[str]:
    # The guest's flushes reach the host's page cache: a killed machine loses what a real one would lose, no more.
    common = "if=none,cache=unsafe,discard=unmap"
    yield from ("-drive", f"file={DISK},id=root,format=qcow2,{common}", "-device", "virtio-blk-pci,drive=root")
    if shape.data_disk_gib is not None:
        yield from ("-drive", f"file={DATA},id=data,format=raw,{common}")
        yield from ("-device", "virtio-blk-pci,drive=data,serial=data")


def _network(launch: Launch) -> Iterator[str]:
    forwards = "".join(f",guestfwd={_guest_forward(forward, launch.ordinal)}" for forward in launch.forwards)
    inward = "".join(f",hostfwd=tcp:127.0.0.1:{port}-:{to}" for port, to in _inward(launch))
    # Restricted: a machine reaches what is forwarded, and nothing else of the controller or beyond.
    yield from ("-netdev", f"user,id=management,restrict=on{inward}{forwards}")
    yield from _card("management", addresses.mac_address(launch.ordinal, 0))
    for index in range(1, launch.shape.links + 1):
        port = launch.ports[index - 1] if index <= len(launch.ports) else None
        yield from ("-netdev", _link(index, port))
        yield from _card(f"link{index}", addresses.mac_address(launch.ordinal, index))


def _inward(launch: Launch) -> Iterator[tuple[int, int]]:
    """Give the ports of the controller's loopback that lead to a machine, each with the machine's own."""
    yield launch.ssh_port, 22
    if launch.metrics_port is not None:
        yield launch.metrics_port, 9100


def card_name(index: int) -> str:
    """Name the network card of a link (1, 2 …) as QEMU's commands know it."""
    return f"nic-link{index}"


def _guest_forward(forward: Forward, ordinal: int) -> str:
    """Reach a service of the controller from an address of the machine's own, so that the service can tell who asks."""
    to = f"TCP:127.0.0.1:{forward.controller_port},bind={addresses.source_address(ordinal)}"
    # Ten seconds, not half a one, for the answer of a peer after the other end has said its last word.  No messages:
    # the guest would read them as the service's.
    socat = f"socat -lf /dev/null -t 10 - {to}"
    return f"tcp:{forward.guest_address}:{forward.guest_port}-cmd:{escaped(socat)}"


def _link(index: int, port: Port | None) -> str:
    if port is None:
        return f"hubport,id=link{index},hubid={index}"
    sockets = f"local.type=unix,local.path={escaped(port.local)},remote.type=unix,remote.path={escaped(port.switch)}"
    return f"dgram,id=link{index},{sockets}"


def _card(netdev: str, mac: str) -> tuple[str, ...]:
    return ("-device", f"virtio-net-pci,netdev={netdev},id=nic-{netdev},mac={mac},romfile=")
