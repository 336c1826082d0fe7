"""A region as its files have it: every value with the place it stands at, whole or not.

Rules across objects work on this, not on `Region`: they must be able to point at a line, and to say what they can
even when some file is broken.  What a broken file would have said is unknown, which is not the same as absent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from inventory.compliance import Exclusion, Statement, Waiver
from inventory.documents import Document, Steps
from inventory.ends import Directory, Place
from inventory.links import Link
from inventory.models import (
    Application,
    Contact,
    ContinuityClasses,
    Establishment,
    Host,
    Member,
    ObjectStore,
    Profile,
    Region,
    RegionSheet,
    Site,
)
from inventory.network import Flow, GatewayPair, Group, NetworkSheet, Protocol, Protocols, Segment, Supernet, VlanRange
from inventory.problems import Problem, Words
from inventory.providers import Provider
from inventory.tunnels import Tunnel

Value_co = TypeVar("Value_co", bound=BaseModel, covariant=True)
Item = TypeVar("Item", bound=BaseModel)


@dataclass(frozen=True)
class Placed(Generic[Value_co]):
    """A value and where it stands: a file and the steps to it."""

    value: Value_co
    document: Document
    steps: Steps = ()

    def problem(self, steps: Steps, words: Words, *, at_key: bool = False) -> Problem:
        """Build the problem of what stands at *steps* inside this value."""
        return self.document.problem((*self.steps, *steps), words, at_key=at_key)

    def each(self, name: str, items: tuple[Item, ...]) -> Iterator["Placed[Item]"]:
        """Give the items of the list *name* of this value with their places."""
        for position, item in enumerate(items):
            yield Placed(item, self.document, (*self.steps, name, position))


class Kind(StrEnum):
    """What can be referred to by an identifier; the values are the words of messages."""

    SITE = "site"
    STORE = "object store"
    SEGMENT = "segment"
    GROUP = "group"
    HOST = "host"
    CONTACT = "contact"
    ESTABLISHMENT = "establishment"
    APPLICATION = "application"
    PROFILE = "profile"
    PROTOCOL = "flow code"
    PROVIDER = "product"


class Catalogue(NamedTuple):
    """What all regions share: the flow catalogue, service profiles, continuity classes, products that keep objects."""

    protocols: Placed[Protocols]
    profiles: tuple[Placed[Profile], ...]
    continuity: Placed[ContinuityClasses]
    providers: tuple[Placed[Provider], ...]


class Party(NamedTuple):
    """Who takes part at one end of a row: a place whose segment exists."""

    place: Place
    segment: Segment


class Row(NamedTuple):
    """A row of the flow matrix, and who takes part at its ends: nobody, where its words stand for nothing."""

    application_place: Placed[Application]
    number: int
    flow: Flow
    sources: tuple[Party, ...]
    destinations: tuple[Party, ...]

    @property
    def application(self) -> Application:
        """Give the application that wants the flow."""
        return self.application_place.value

    @property
    def ends(self) -> tuple[tuple[str, str, tuple[Party, ...]], ...]:
        """Give the key, the word and the parties of each end."""
        return (
            ("source", self.flow.source, self.sources),
            ("destination", self.flow.destination, self.destinations),
        )

    def problem(self, key: str, words: Words) -> Problem:
        """Build the problem of the row's *key*."""
        return self.application_place.problem(("flows", self.number, key), words)


@dataclass(frozen=True)
class LocatedRegion:
    """The values of all files that could be read; ``today`` is ``None`` when no day is to be judged by.

    ``broken`` names what has a file that could not be read; of the kinds in ``unreadable``, some file may hold more.
    """

    sheet: Placed[RegionSheet] | None
    network: Placed[NetworkSheet] | None
    catalogue: Catalogue
    hosts: tuple[Placed[Host], ...] = ()
    members: tuple[Placed[Member], ...] = ()
    applications: tuple[Placed[Application], ...] = ()
    statements: tuple[Placed[Statement], ...] = ()
    exclusions: tuple[Placed[Exclusion], ...] = ()
    waivers: tuple[Placed[Waiver], ...] = ()
    broken: frozenset[tuple[Kind, str]] = frozenset()
    unreadable: frozenset[Kind] = frozenset()
    today: date | None = None

    @cached_property
    def sites(self) -> tuple[Placed[Site], ...]:
        """Give the sites of the region's own file."""
        return tuple(self.sheet.each("sites", self.sheet.value.sites)) if self.sheet else ()

    @cached_property
    def stores(self) -> tuple[Placed[ObjectStore], ...]:
        """Give the object stores of the region's own file."""
        return tuple(self.sheet.each("stores", self.sheet.value.stores)) if self.sheet else ()

    @cached_property
    def segments(self) -> tuple[Placed[Segment], ...]:
        """Give the segments of the address plan."""
        return tuple(self.network.each("segments", self.network.value.segments)) if self.network else ()

    @cached_property
    def tunnels(self) -> tuple[Placed[Tunnel], ...]:
        """Give the tunnels to establishments."""
        return tuple(self.network.each("tunnels", self.network.value.tunnels)) if self.network else ()

    @cached_property
    def groups(self) -> tuple[Placed[Group], ...]:
        """Give the groups of those who may talk."""
        return tuple(self.network.each("groups", self.network.value.groups)) if self.network else ()

    @cached_property
    def supernets(self) -> tuple[Placed[Supernet], ...]:
        """Give the parts of the address space that networks are allocated from."""
        return tuple(self.network.each("supernets", self.network.value.supernets)) if self.network else ()

    @cached_property
    def gateway_pairs(self) -> tuple[Placed[GatewayPair], ...]:
        """Give the gateways that take each other's place."""
        return tuple(self.network.each("gateway_pairs", self.network.value.gateway_pairs)) if self.network else ()

    @cached_property
    def vlan_ranges(self) -> tuple[Placed[VlanRange], ...]:
        """Give the numbers that VLANs are allocated from."""
        return tuple(self.network.each("vlan_ranges", self.network.value.vlan_ranges)) if self.network else ()

    @cached_property
    def directory(self) -> Directory:
        """Tell what the ends of flows stand for, as far as the files could be read; of two of one name, the first."""
        return Directory(
            *(
                [place.value for place in self.index(kind).values()]
                for kind in (Kind.SEGMENT, Kind.GROUP, Kind.APPLICATION)
            )
        )

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Give every row of the flow matrix, with who takes part in it."""
        parties: dict[tuple[Place, ...], tuple[Party, ...]] = {}

        def found(application: str, text: str) -> tuple[Party, ...]:
            places = self.directory.known(application, text)
            if places not in parties:
                segments = ((place, self.segment(place.segment)) for place in places)
                parties[places] = tuple(Party(place, segment.value) for place, segment in segments if segment)
            return parties[places]

        return tuple(
            Row(place, number, flow, found(place.value.id, flow.source), found(place.value.id, flow.destination))
            for place in self.applications
            for number, flow in enumerate(place.value.flows)
        )

    @cached_property
    def protocols(self) -> tuple[Placed[Protocol], ...]:
        """Give the rows of the flow catalogue."""
        return tuple(self.catalogue.protocols.each("protocols", self.catalogue.protocols.value.protocols))

    @property
    def profiles(self) -> tuple[Placed[Profile], ...]:
        """Give the service profiles."""
        return self.catalogue.profiles

    @property
    def providers(self) -> tuple[Placed[Provider], ...]:
        """Give the products that keep objects."""
        return self.catalogue.providers

    @cached_property
    def contacts(self) -> tuple[Placed[Contact], ...]:
        """Give the contacts of the operator, then those of the members."""
        own = tuple(self.sheet.each("contacts", self.sheet.value.contacts)) if self.sheet else ()
        return own + tuple(place for member in self.members for place in member.each("contacts", member.value.contacts))

    @cached_property
    def establishments(self) -> tuple[Placed[Establishment], ...]:
        """Give the establishments of all members."""
        return tuple(
            place for member in self.members for place in member.each("establishments", member.value.establishments)
        )

    @cached_property
    def links(self) -> tuple[Placed[Link], ...]:
        """Give the links of all establishments."""
        return tuple(link for place in self.establishments for link in place.each("links", place.value.links))

    @cached_property
    def owners(self) -> dict[str | None, list[Member]]:
        """Give the member of each establishment (two, if that is a mistake), by the establishment's FINESS number."""
        owners: dict[str | None, list[Member]] = {}
        for member in self.members:
            for establishment in member.value.establishments:
                owners.setdefault(establishment.finess, []).append(member.value)
        return owners

    @cached_property
    def _indexes(self) -> dict[Kind, dict[str, Placed[Any]]]:
        return {
            Kind.SITE: _by_id(self.sites),
            Kind.STORE: _by_id(self.stores),
            Kind.SEGMENT: _by_id(self.segments),
            Kind.GROUP: _by_id(self.groups),
            Kind.HOST: _by_id(self.hosts),
            Kind.CONTACT: _by_id(self.contacts),
            Kind.ESTABLISHMENT: {place.value.finess: place for place in reversed(self.establishments)},
            Kind.APPLICATION: _by_id(self.applications),
            Kind.PROFILE: _by_id(self.profiles),
            Kind.PROVIDER: _by_id(self.providers),
            Kind.PROTOCOL: {place.value.code: place for place in reversed(self.protocols)},
        }

    def index(self, kind: Kind) -> Mapping[str, Placed[Any]]:
        """Give what can be referred to as *kind*, by identifier; of two with one identifier, the first."""
        return self._indexes[kind]

    def may_exist(self, kind: Kind, identifier: str) -> bool:
        """Tell whether *identifier* is one of *kind*, or could be in a file that is broken."""
        return identifier in self.index(kind) or (kind, identifier) in self.broken or kind in self.unreadable

    def segment(self, identifier: str) -> Placed[Segment] | None:
        """Find a segment by its identifier."""
        return self._indexes[Kind.SEGMENT].get(identifier)

    def host(self, identifier: str) -> Placed[Host] | None:
        """Find a host by its identifier."""
        return self._indexes[Kind.HOST].get(identifier)

    def site(self, identifier: str) -> Placed[Site] | None:
        """Find a site by its identifier."""
        return self._indexes[Kind.SITE].get(identifier)

    def region(self) -> Region:
        """Give the plain value; only a region without problems has one."""
        if self.sheet is None or self.network is None:
            raise ValueError("a region without its own files has no value")
        return Region(
            **dict(self.sheet.value),
            **dict(self.network.value),
            hosts=tuple(place.value for place in self.hosts),
            members=tuple(place.value for place in self.members),
            applications=tuple(place.value for place in self.applications),
            statements=tuple(place.value for place in self.statements),
            exclusions=tuple(place.value for place in self.exclusions),
            waivers=tuple(place.value for place in self.waivers),
            protocols=self.catalogue.protocols.value.protocols,
            profiles=tuple(place.value for place in self.profiles),
            continuity=self.catalogue.continuity.value.classes,
            providers=tuple(place.value for place in self.providers),
        )


def _by_id(places: tuple[Placed[Any], ...]) -> dict[str, Placed[Any]]:
    return {place.value.id: place for place in reversed(places)}
