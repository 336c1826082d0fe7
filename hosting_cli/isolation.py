"""Segments that an incident cut off: which hosts that is carried out on, the order they get, and what stands cut off.

An isolation is no part of the region's files: nobody approves it beforehand, no plan makes it or takes it back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploys import flows, names, nftables
from deploys.resources import HostFirewall
from hosting_cli.errors import EngineError, HostingError, UsageError
from hosting_cli.procedure import Observed, Step
from inventory.patients import masked
from inventory.resource import Json, Resource, Subject

if TYPE_CHECKING:
    from hosting_cli.session import Session
    from inventory.environment import Environment
    from inventory.models import Region
    from inventory.network import Segment

KIND = "segment"


@dataclass(frozen=True)
class Target:
    """A segment, the hosts that must cut it off, and whether an application in production is among what that cuts."""

    segment: "Segment"
    hosts: tuple[str, ...]
    production: bool

    @property
    def networks(self) -> str:
        """Name what is cut off: the segment, and where it is a tunnel's, all that is behind it."""
        return ", ".join(nftables.isolated_networks(self.segment.networks))


def target(region: "Region", environment: "Environment", segment: str) -> Target:
    """Find what isolating *segment* concerns; raise ``UsageError`` where it is unknown or no host can be told."""
    known = {item.id: item for item in region.segments}
    if segment not in known:
        raise UsageError(f"segment {segment}", "is not in the region", f"Choose one of: {', '.join(known)}.")
    places = flows.topology(region)
    concerned = tuple(host for host in flows.concerned(places, segment) if host in environment.hosts)
    if not concerned:
        what = "no host of the environment is in it or exchanges flows with it"
        raise UsageError(f"segment {segment}", what, "Cut it off where its packets pass.")
    owners = flows.applications(places, segment)
    production = any(item.is_production for item in region.applications if item.id in owners)
    return Target(known[segment], concerned, production)


@dataclass(frozen=True)
class Grounds:
    """Why, as a person says it, and the ticket under which more is said; recorded without numbers of patients."""

    reason: str
    ticket: str

    def __str__(self) -> str:
        """Say both."""
        return masked(f"{self.reason} ({self.ticket})")


def isolate(session: "Session", found: Target, grounds: Grounds) -> Step:
    """Give the step that cuts *found* off on every host at once."""
    content = nftables.render_isolation(found.segment.id, found.segment.networks)
    sentence = f"drop every packet from or to {found.networks} on {len(found.hosts)} hosts: {grounds}"
    return _step(session, found, sentence, content)


def release(session: "Session", found: Target, grounds: Grounds) -> Step:
    """Give the step that lets the flows of *found* pass again."""
    sentence = f"let flows from and to {found.networks} pass again on {len(found.hosts)} hosts: {grounds}"
    return _step(session, found, sentence, None)


def _step(session: "Session", found: Target, sentence: str, content: str | None) -> Step:
    """Make a step that every run takes: an order that is carried out already is answered like the first.

    Each host is read back in the same exec, so that no second is lost to looking first.
    """

    def do() -> Observed:
        answers = session.hosts.ask("isolation", dict.fromkeys(found.hosts, order(found.segment.id, content)))
        return _judged(found, answers, isolating=content is not None)

    return Step(Subject(KIND, found.segment.id), sentence, do, None)


def order(segment: str, content: str | None) -> dict[str, Json]:
    """Give the request that the program on each host carries out; without *content*, it releases *segment*."""
    path = names.isolation_file(segment)
    file: dict[str, Json] = {"path": path, "content": content, "mode": "0644", "user": "root", "group": "root"}
    return {"firewall": nftables.READING, "segment": segment, "file": file}


def _judged(found: Target, answers: Mapping[str, Any], *, isolating: bool) -> Observed:
    """Give what each host holds now; raise ``EngineError`` that names every host which is not as it was told to be."""
    isolated = list[Json](nftables.isolated_networks(found.segment.networks)) if isolating else []
    wanted: dict[str, Json] = {"isolated": isolated, "kept": isolating}
    wrong = {host: _why(answer) for host, answer in answers.items() if answer != wanted}
    if wrong:
        done = len(answers) - len(wrong)
        reasons = "; ".join(f"{host}: {reason}" for host, reason in wrong.items())
        what = f"{done} of {len(answers)} hosts carried it out, and these did not: {reasons}"
        raise EngineError(f"segment {found.segment.id}", what, "Mend those hosts, and run the same command again.")
    return {"hosts": list[Json](answers), **wanted}


def _why(answer: Any) -> str:
    if isinstance(answer, HostingError):
        return answer.what
    kept = "kept" if answer["kept"] else "not kept"
    return f"the kernel isolates {', '.join(answer['isolated']) or 'nothing'} for it, {kept} for the next boot"


@dataclass(frozen=True)
class Isolation:
    """A segment that hosts cut off: on which, on which it should be as well, and where a reboot would change that."""

    segment: str
    hosts: tuple[str, ...]
    missing: tuple[str, ...]
    passing: tuple[str, ...]

    @property
    def where(self) -> str:
        """Say it in a line."""
        parts = [f"on {', '.join(self.hosts) or 'no host yet'}"]
        parts += [f"not on {', '.join(self.missing)}"] if self.missing else []
        parts += [f"until a reboot changes that on {', '.join(self.passing)}"] if self.passing else []
        return "; ".join(parts)

    def to_json(self) -> dict[str, Json]:
        """Give it as plain JSON."""
        return {
            "segment": self.segment,
            "hosts": list(self.hosts),
            "missing": list(self.missing),
            "changes_at_boot": list(self.passing),
        }


def isolations(region: "Region", seen: Iterable[Resource]) -> tuple[Isolation, ...]:
    """Find every segment that a host isolates, or will at its next boot."""
    firewalls = {item.host: item for item in seen if isinstance(item, HostFirewall)}
    segments = sorted({name for item in firewalls.values() for name in (*item.isolated, *item.isolated_at_boot)})
    places = flows.topology(region) if segments else None
    return tuple(
        Isolation(
            segment,
            tuple(host for host, item in firewalls.items() if segment in item.isolated),
            tuple(
                host
                for host in (flows.concerned(places, segment) if places else ())
                if host in firewalls and segment not in firewalls[host].isolated
            ),
            tuple(
                host
                for host, item in firewalls.items()
                if (segment in item.isolated) != (segment in item.isolated_at_boot)
            ),
        )
        for segment in segments
    )
