"""Propose what the address plan lacks or lets go, as a change of `network.yaml` that is shown before it is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hosting_cli.errors import HostingError, InvalidFilesError, RefusedError, UsageError
from hosting_cli.region_files import FileChange
from inventory.address_plan import NoRoomError
from inventory.editing import retired, with_allocation, with_retirement
from inventory.in_use import users
from inventory.load import locate_region
from inventory.located import LocatedRegion
from inventory.network import Retired
from inventory.resource import Json
from inventory.rules import PLAN_RULES
from inventory.wanted import Allocation, UnplacedError, allocation
from inventory.yaml_text import NotEditableError

SHEET = "network.yaml"


@dataclass(frozen=True)
class Proposal:
    """What would be allocated, and how the file would change."""

    allocation: Allocation
    change: FileChange

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Give each network with whom it is for, and where."""
        for item in self.allocation.segments:
            vlan = "" if item.segment.vlan is None else f", VLAN {item.segment.vlan}"
            yield f"{item.segment.network}{vlan}", f"{item.segment.id}: {item.reason}", item.segment.site
        for tag in self.allocation.tags:
            yield f"VLAN {tag.vlan}", tag.segment, tag.site
        for one in self.allocation.shared:
            yield str(one.address), f"{one.segment}: held by its pair of gateways", one.site
        for pool in self.allocation.pools:
            yield str(pool.network), f"{pool.segment}: NAT pool for {', '.join(map(str, pool.ranges))}", pool.site

    def data(self) -> dict[str, Json]:
        """Give the plain form."""
        segments = [item.segment.model_dump(mode="json", exclude_defaults=True) for item in self.allocation.segments]
        pools: list[Json] = [{"segment": pool.segment, "nat_pool": str(pool.network)} for pool in self.allocation.pools]
        tags: list[Json] = [{"segment": tag.segment, "vlan": tag.vlan} for tag in self.allocation.tags]
        shared: list[Json] = [{"segment": one.segment, "gateway": str(one.address)} for one in self.allocation.shared]
        return {"segments": list[Json](segments), "pools": pools, "vlans": tags, "gateways": shared}


def propose(folder: Path, site: str | None = None) -> Proposal:
    """Say what the region in *folder* needs and has not; *site* is for what nothing else places.

    Files that cannot be read would ask for something unknown, and a plan that is not in order cannot be trusted: both
    raise ``InvalidFilesError``.  Anything else may be missing, since what is missing is what this is for.
    """
    located = _located(folder)
    known = {place.value.id for place in located.sites}
    if site is not None and site not in known:
        raise UsageError(f"site {site}", "is not in the region", f"Choose one of: {', '.join(sorted(known))}.")
    try:
        found = allocation(located, site)
    except UnplacedError as error:
        what = "has hosts that are in no file yet, so that nothing says at which site it is"
        raise UsageError(str(error), what, "Say where: --site SITE.") from error
    except NoRoomError as error:
        remedy = f"Add a supernet to {SHEET}, or a range to its vlan_ranges: what nobody has."
        raise HostingError(SHEET, str(error), remedy) from error
    return Proposal(found, _change(folder, lambda text: with_allocation(text, found)))


def _change(folder: Path, edit: Callable[[str], str]) -> FileChange:
    path = folder / SHEET
    before = path.read_bytes().decode()
    try:
        return FileChange(path, before, edit(before))
    except NotEditableError as error:
        raise HostingError(SHEET, str(error), "Write each segment after a hyphen, on lines of its own.") from error


def _located(folder: Path) -> LocatedRegion:
    located, problems = locate_region(folder)
    if located.sheet is None or located.network is None or located.broken or located.unreadable:
        raise InvalidFilesError(tuple(sorted(problems)))
    out_of_order = {problem for rule in PLAN_RULES for problem in rule(located)}
    if out_of_order:
        raise InvalidFilesError(tuple(sorted(out_of_order)))
    return located


@dataclass(frozen=True)
class Retirement:
    """What is kept of a segment that goes, and how the file would change."""

    kept: tuple[Retired, ...]
    change: FileChange


def propose_retirement(folder: Path, segment: str, since: date) -> Retirement:
    """Say how the region in *folder* would let a segment go; refuse with whoever still needs it."""
    located = _located(folder)
    place = located.segment(segment)
    if place is None:
        known = sorted(item.value.id for item in located.segments)
        raise UsageError(f"segment {segment}", "is not in the region", f"Choose one of: {', '.join(known)}.")
    needed_by = list(users(located, place.value))
    if needed_by:
        what = f"is still needed by {', '.join(needed_by)}"
        raise RefusedError(f"segment {segment}", what, "Take it out of there first; nothing was changed.")
    change = _change(folder, lambda text: with_retirement(text, place.value, since))
    return Retirement(retired(place.value, since), change)
