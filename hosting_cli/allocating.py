"""Propose what the address plan lacks, as a change of `network.yaml` that can be shown, and write it down."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from hosting_cli import region_files
from hosting_cli.errors import HostingError, InvalidFilesError, UsageError
from inventory.address_plan import NoRoomError
from inventory.editing import NotEditableError, with_allocation
from inventory.load import locate_region
from inventory.located import LocatedRegion
from inventory.resource import Json
from inventory.rules import PLAN_RULES
from inventory.wanted import Allocation, UnplacedError, allocation

SHEET = "network.yaml"


@dataclass(frozen=True)
class Proposal:
    """What would be allocated, and what the file holds and would hold."""

    path: Path
    allocation: Allocation
    before: str
    after: str

    @property
    def is_needed(self) -> bool:
        """Tell whether there is anything to write."""
        return self.before != self.after

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Give each network with whom it is for, and where."""
        for item in self.allocation.segments:
            yield str(item.segment.network), f"{item.segment.id}: {item.reason}", item.segment.site
        for pool in self.allocation.pools:
            yield str(pool.network), f"{pool.segment}: NAT pool for {', '.join(map(str, pool.ranges))}", pool.site

    def difference(self) -> Iterator[str]:
        """Give the change of the file, as people compare texts."""
        return unified_diff(self.before.splitlines(), self.after.splitlines(), SHEET, SHEET, lineterm="")

    def data(self) -> dict[str, Json]:
        """Give the plain form."""
        segments = [item.segment.model_dump(mode="json", exclude_defaults=True) for item in self.allocation.segments]
        pools: list[Json] = [{"segment": pool.segment, "nat_pool": str(pool.network)} for pool in self.allocation.pools]
        return {"segments": list[Json](segments), "pools": pools}


def propose(folder: Path, site: str | None = None) -> Proposal:
    """Say what the region in *folder* needs and has not; *site* is for what nothing else places.

    Files that cannot be read would ask for something unknown, and a plan that is not in order cannot be trusted: both
    raise ``InvalidFilesError``.  Anything else may be missing, since what is missing is what this is for.
    """
    located = _located(folder)
    known = {place.value.id for place in located.sites}
    if site is not None and site not in known:
        raise UsageError(f"site {site}", "is not in the region", f"Choose one of: {', '.join(sorted(known))}.")
    path = folder / SHEET
    before = path.read_bytes().decode()
    try:
        found = allocation(located, site)
        return Proposal(path, found, before, with_allocation(before, found))
    except UnplacedError as error:
        what = "has hosts that are in no file yet, so that nothing says at which site it is"
        raise UsageError(str(error), what, "Say where: --site SITE.") from error
    except NoRoomError as error:
        remedy = f"Add a supernet to {SHEET}: a range of the address space that nobody has, or widen the space."
        raise HostingError(SHEET, str(error), remedy) from error
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


def write_down(proposal: Proposal) -> None:
    """Write what was proposed, unless the file has changed since."""
    if proposal.is_needed:
        region_files.replace(proposal.path, proposal.before.encode(), proposal.after.encode())
