"""Encrypted volumes: whether what the vault gives a host opens one, and whether it is open and in its place."""

import shlex

from hosting_cli.errors import EngineError
from hosting_cli.runbooks.action import Look, Pinned, Seen, Values
from hosting_cli.runbooks.sheet import Kind
from hosting_cli.session import Session
from hosting_cli.volumes.agent import VolumeAgent
from hosting_cli.volumes.places import place_named, places
from inventory import naming
from runbooks.actions.hosts import looked

_TAKES = {"application": Kind.APPLICATION, "host": Kind.HOST, "volume": Kind.VOLUME}


def opens(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Have the host do what its unit would, but for opening: log in to the vault, and try what that gives.

    What it says when it cannot is what the alert's reason stands for.
    """
    name = f"{values['host']}:{values['application']}/{values['volume']}"
    place = place_named(name, places(session.region, session.environment))
    try:
        return Seen(True, VolumeAgent(session, place).try_as_at_boot())
    except EngineError as error:
        return Seen(False, {"why": error.what})


def is_open(session: Session, values: Values, _pinned: Pinned) -> Seen:
    """Tell whether the volume's file system is mounted, and from the opened device."""
    status, said = looked(session, values["host"], _mounts(values))
    return Seen(status == 0, {"mounted_at": said.strip() or None})


def _mounts(values: Values) -> list[str]:
    device = f"/dev/mapper/{naming.volume_label(values['application'], values['volume'])}"
    return ["findmnt", "--noheadings", "--output=TARGET", f"--source={device}"]


ACTIONS = (
    Look(
        "volume.opens",
        "What the vault gives the host opens the volume.",
        _TAKES,
        lambda values: (f"on {values['host']}: hosting-agent try-volume {values['application']} {values['volume']}",),
        opens,
    ),
    Look(
        "volume.is-open",
        "The volume is open, and mounted.",
        _TAKES,
        lambda values: (f"on {values['host']}: {shlex.join(_mounts(values))}",),
        is_open,
    ),
)
