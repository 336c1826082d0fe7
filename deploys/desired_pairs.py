"""Say what a gateway needs to take another's place: its daemon, and to whom it is silent until then.  Pure."""

from collections.abc import Iterator

from deploys import names, nftables, pairs
from deploys.pairs import Role, Shared
from deploys.resources import HostResource, OnChange
from deploys.templates import render
from deploys.view import View

PACKAGES = ("keepalived",)

SILENT_PRIORITY, ANSWERING_PRIORITY = 1040, 1039
"""Where our rules stand among those by which the kernel chooses a table of routes: what it finds first counts."""

STANDBY = "hosting-standby.service"
_DAEMON = "keepalived.service"


def in_pair(view: View) -> bool:
    """Tell whether the host is one of a pair of gateways."""
    return view.host.id in view.places.pairs


def resources(view: View) -> Iterator[HostResource]:
    """Ask for everything that a gateway needs so that its pair has one address in each segment."""
    role = pairs.role_of(view.places, view.host.id)
    if role is None:
        return
    batch, left = f"{names.DIRECTORY}/standby.batch", f"{names.DIRECTORY}/released.batch"
    yield view.file("/etc/systemd/networkd.conf.d/hosting-pair.conf", render("networkd-pair.conf"))
    yield view.file(batch, silent(role), notifies=(STANDBY,))
    yield view.file(
        names.unit_file(STANDBY),
        render("standby.service", batch_path=batch, priority=SILENT_PRIORITY),
        notifies=(STANDBY,),
    )
    yield view.unit(STANDBY)
    yield view.file(left, released(role))
    yield view.file("/etc/keepalived/keepalived.conf", daemon_file(role, view.host.id), notifies=(_DAEMON,))
    rules = f"{nftables.FAMILY} {nftables.TABLE} zones"
    beside = render("keepalived.service", standby=STANDBY, rules=rules, released_path=left)
    yield view.file(names.unit_file(f"{_DAEMON}.d/hosting.conf"), beside)
    yield view.unit(_DAEMON, on_change=OnChange.RELOAD)


def daemon_file(role: Role, host: str) -> str:
    """Write what the daemon of *host* is told: one word for all segments of the pair."""
    first, *others = role.shared
    return render(
        "keepalived.conf",
        router=host,
        pair=role.pair.id,
        interface=role.own.name,
        number=role.pair.virtual_router,
        priority=role.priority,
        own=str(role.own.address),
        other=str(role.other.address),
        heard_at=_at(first),
        elsewhere=tuple(map(_at, others)),
        tracked=tuple(shared.interface for shared in others),
        peers=tuple(map(str, role.peers)),
        answering=ANSWERING_PRIORITY,
    )


def _at(shared: Shared) -> str:
    return f"{shared.address} dev {shared.interface}"


def silent(role: Role) -> str:
    """Write the rules for `ip -batch` by which the peers of tunnels are not answered, whoever asks."""
    return "".join(f"rule add to {peer} ipproto udp blackhole pref {SILENT_PRIORITY}\n" for peer in role.peers)


def released(role: Role) -> str:
    """Write for `ip -batch -force` what takes back all that the daemon had: killed, it leaves that behind."""
    lines = [f"address delete {shared.address} dev {shared.interface}" for shared in role.shared]
    lines += [f"rule delete to {peer} lookup main pref {ANSWERING_PRIORITY}" for peer in role.peers]
    return "\n".join([*lines, ""])
