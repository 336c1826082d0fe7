"""An environment fits its region: every host once, apart from each other, with authorities that exist."""

import os
from collections.abc import Hashable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

from inventory.documents import Steps
from inventory.environment import Environment
from inventory.located import Placed
from inventory.models import Region
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


def stores_are_those_of_the_region(place: Placed[Environment], region: Region | None) -> Iterator[Problem]:
    """Find object stores of the region that nobody could reach, stores that are none, and hosts without theirs."""
    if region is None:
        return
    known, accesses = {store.id for store in region.stores}, place.value.object_stores
    for name in sorted(known - accesses.keys()):
        words = Words(f"object store {name} has no entry", "it is in region.yaml", "add how it is reached")
        yield place.problem(("object_stores",), words, at_key=True)
    for name in accesses:
        if name not in known:
            words = Words(
                f"object store {quoted(name)} is unknown", f"region {region.id} has no such store", "remove the entry"
            )
            yield place.problem(("object_stores", name), words, at_key=True)
    for host, access in place.value.hosts.items():
        for name in access.object_stores:
            if name not in known:
                words = Words(
                    f"object store {quoted(name)} is unknown", f"region {region.id} has no such store", "remove it"
                )
                yield place.problem(("hosts", host, "object_stores", name), words, at_key=True)
    yield from _backups_out_of_reach(place, region)


def _backups_out_of_reach(place: Placed[Environment], region: Region) -> Iterator[Problem]:
    for application in region.applications:
        backup = application.backup
        hosts = {host for tier in application.tiers for host in tier.hosts if tier.volumes}
        for host in sorted(hosts & place.value.hosts.keys()) if backup else ():
            if backup and backup.store not in place.value.hosts[host].object_stores:
                what = f"{host} is not told where object store {backup.store} answers"
                why = f"its backups of {application.id} go there"
                yield place.problem(
                    ("hosts", host, "object_stores"), Words(what, why, "add how the host reaches it"), at_key=True
                )


def authorities_exist(place: Placed[Environment], _region: Region | None) -> Iterator[Problem]:
    """Find certificate authorities that are no files: without one nothing would be believed, and all would fail."""
    environment = place.value
    authorities: list[tuple[Steps, Path]] = [
        (("vault", "certificate_authority"), environment.vault.certificate_authority),
        *(
            (("object_stores", name, "certificate_authority"), store.certificate_authority)
            for name, store in environment.object_stores.items()
        ),
    ]
    for steps, path in authorities:
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
    # All stores act by one role, so that two of them may be seen at one address.
    for name, store in environment.object_stores.items():
        yield "an object store", store.vault_sees, ("object_stores", name, "vault_sees")
    for name, host in environment.hosts.items():
        yield name, host.vault_sees, ("hosts", name, "vault_sees")
