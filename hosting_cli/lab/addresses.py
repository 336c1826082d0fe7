"""Which address is whose in the lab.  Pure.

Each machine has its own user network (QEMU's), the same for all: what tells machines apart there is the loopback
address that their forwarded connections come from.  The segments are shared, and their addresses are the region's.
"""

from ipaddress import IPv4Address

MANAGEMENT = "10.0.2.15"
"""The address of every machine on its user network; the controller reaches it through a forwarded port."""

VAULT = "10.0.2.100"
OBJECT_STORE = "10.0.2.101"
"""Where machines find the vault and the object store, whatever port these have on the controller."""

_FIRST_SOURCE = IPv4Address("127.0.1.10")


def source_address(ordinal: int) -> str:
    """Name the loopback address from which the controller's services see the machine *ordinal* (1, 2 …)."""
    return str(_FIRST_SOURCE + ordinal)


def mac_address(ordinal: int, interface: int) -> str:
    """Name the Ethernet address of an interface; interface 0 is the user network, where every machine is alone."""
    return f"52:54:00:00:{ordinal if interface else 0:02x}:{interface:02x}"
