"""An environment fits its region: every host once, apart from each other, with authorities that exist."""

import os
from collections.abc import Hashable, Iterator
from ipaddress import IPv4Network

from inventory.documents import Steps
from inventory.located import Placed
from inventory.models import Environment, Region
from inventory.problems import Problem, Words, quoted


def hosts_are_those_of_the_region(place: Placed[Environment], region: Region | None) -> Iterator[Problem]:
    """Find hosts of the region that nobody could reach, and hosts that are none of the region's."""
    if region is None:
        return
    known = {host.id for host in region.hosts}
    for name in sorted(known - place.value.hosts.keys()):
        words = Words(f"host {name} has no entry", f"it is in hosts/{name}.yaml of the region", "add how it is reached")
        yield place.problem(("hosts",), words, at_key=True)
    for name in place.value.hosts:
        if name not in known:
            words = Words(f"host {quoted(name)} is unknown", f"region {region.id} has no such host", "remove the entry")
            yield place.problem(("hosts", name), words, at_key=True)


def authorities_exist(place: Placed[Environment], _region: Region | None) -> Iterator[Problem]:
    """Find certificate authorities that are no files: without one nothing would be believed, and all would fail."""
    environment = place.value
    for steps, path in (
        (("vault", "certificate_authority"), environment.vault.certificate_authority),
        (("object_store", "certificate_authority"), environment.object_store.certificate_authority),
    ):
        if not os.access(path, os.R_OK) or path.is_dir():
            why = "without it the engine's identity cannot be checked"
            yield place.problem(steps, Words(f"{path} is no readable file", why, "write the path of its certificate"))


def sources_are_narrow(place: Placed[Environment], _region: Region | None) -> Iterator[Problem]:
    """Find networks of administration, of packages, or of those whom the vault serves, that hold every address."""
    everything = "0.0.0.0/0 is every address there is"
    for number, network in enumerate(place.value.administration_sources):
        if network.prefixlen == 0:
            words = Words("anybody could administer the hosts", everything, "write the networks of the operators")
            yield place.problem(("administration_sources", number), words)
    for number, network in enumerate(place.value.package_sources):
        if network.prefixlen == 0:
            words = Words("hosts could send anything to anybody", everything, "write the network of the mirror")
            yield place.problem(("package_sources", number), words)
    for who, network, steps in _seen_by_the_vault(place.value):
        if network.prefixlen == 0:
            words = Words(f"the token of {who} would work from anywhere", everything, "write its address")
            yield place.problem(steps, words)


def hosts_are_told_apart(place: Placed[Environment], _region: Region | None) -> Iterator[Problem]:
    """Find two hosts behind one door or with one key, and addresses by which the vault could not tell two apart."""
    first: dict[tuple[str, Hashable], str] = {}
    for who, noun, key, steps in _marks(place.value):
        earlier = first.setdefault((noun, key), who)
        if earlier != who:
            words = Words(f"the {noun} is also that of {earlier}", "no two share one", "correct one of them")
            yield place.problem(steps, words)


def _marks(environment: Environment) -> Iterator[tuple[str, str, Hashable, Steps]]:
    for name, host in environment.hosts.items():
        yield name, "address and port", (host.address, host.port), ("hosts", name, "address")
        yield name, "host key", host.host_key, ("hosts", name, "host_key")
    for who, network, steps in _seen_by_the_vault(environment):
        yield who, "address that the vault sees", network, steps


def _seen_by_the_vault(environment: Environment) -> Iterator[tuple[str, IPv4Network, Steps]]:
    yield "the object store", environment.object_store.vault_sees, ("object_store", "vault_sees")
    for name, host in environment.hosts.items():
        yield name, host.vault_sees, ("hosts", name, "vault_sees")
