"""What a machine of the lab is to be.  Pure values."""

from dataclasses import dataclass

LEAST_LINKS = 2


@dataclass(frozen=True)
class Link:
    """One card (eth1, eth2 … in this order) on a switch, and its address with the prefix length if it has one.

    On a switch with VLANs the port puts what comes without a tag into the one that is ``untagged``, and takes the tags
    of those that are ``tagged``; nothing else.
    """

    network: str
    address: str | None = None
    untagged: int | None = None
    tagged: tuple[int, ...] = ()


@dataclass(frozen=True)
class Forward:
    """A service of the controller's loopback, and where the machine finds it on its user network."""

    guest_address: str
    guest_port: int
    controller_port: int


@dataclass(frozen=True)
class Shape:
    """The hardware that a saved template prescribes: clones of one template cannot differ in it."""

    memory_mib: int
    data_disk_gib: int | None
    links: int


@dataclass(frozen=True)
class MachineSpec:
    """A machine: its name and hardware, its links, and the controller's services that it reaches.

    *ordinal* (1 to 99) tells the machines of a lab apart where a name cannot: Ethernet and loopback addresses.
    """

    name: str
    ordinal: int
    memory_mib: int = 512
    data_disk_gib: int | None = None
    links: tuple[Link, ...] = ()
    forwards: tuple[Forward, ...] = ()

    @property
    def shape(self) -> Shape:
        """The hardware; a machine with fewer links than most has the others unplugged, so that one template serves."""
        return Shape(self.memory_mib, self.data_disk_gib, max(LEAST_LINKS, len(self.links)))
