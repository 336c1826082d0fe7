"""A region of any size without a single problem, in the proportions of the whole of Bourgogne-Franche-Comté.

At factor 1: 110 members, 182 establishments, 432 connection points, 240 applications in three tiers, 1,150 hosts, and
14,300 flows from these points, most of them by rows that name a group.  Run this file to see how long they take to
load, and twice as many::

    python tests/unit/inventory/large_region.py
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from ipaddress import IPv4Network
from itertools import islice, product
from pathlib import Path

from inventory.ends import count_ways
from inventory.identifiers import finess_key
from inventory.load import load_region

MEMBERS, ESTABLISHMENTS, CONNECTION_POINTS, APPLICATIONS, HOSTS, FLOWS = 110, 182, 432, 240, 1150, 14_300
TIERS = ("front", "app", "data")
TOGETHER, POINTS_TOGETHER = 3, 5
"""How many establishments, and how many access points, stand in one group."""
PROTOCOLS = ("F-DCMT", "F-HTTPS", "F-FHIR", "F-XDS", "F-DCMW", "F-RTC", "F-RTCU", "F-ATNA", "F-LDAPS", "F-SFTP")
POINT_PROTOCOLS = ("F-HTTPS", "F-OIDC", "F-RTC", "F-RTCU")
"""What an access point begins: four flows, the most that it may."""
TODAY = date(2026, 11, 22)

REGION = """\
id: large
name: Région entière
short: large
operator:
  name: GRADeS
  country: FR
  certificate:
    number: SPECIMEN-HDS-0000
    body: Spécimen
    activities: [physical-sites, hardware, virtual-infrastructure, application-platform, administration, backup]
    valid_from: 2026-04-01
    valid_until: 2029-03-31
contacts:
  - {id: astreinte, role: Astreinte, email: astreinte@grades.example, telephone: "+33 3 53 01 00 10"}
sites:
  - {id: dijon, name: Dijon, kind: datacentre, town: Dijon, country: FR}
stores:
  - {id: objects, site: dijon, product: ceph-rgw}
evidence: {store: objects}
logs: {store: objects}
"""


def finess(number: int) -> str:
    """Give a number that no establishment has."""
    return f"99{number:06d}" + finess_key(f"99{number:06d}")


def scaled(count: int, factor: float) -> int:
    return max(1, round(count * factor))


class LargeRegion:
    """What each file of a region of size *factor* says."""

    def __init__(self, factor: float) -> None:
        self.members = scaled(MEMBERS, factor)
        self.establishments = scaled(ESTABLISHMENTS, factor)
        self.points = scaled(CONNECTION_POINTS, factor)
        self.applications = scaled(APPLICATIONS, factor)
        self.hosts = max(scaled(HOSTS, factor), 3 * self.applications)
        self.flows = scaled(FLOWS, factor)

    def write(self, folder: Path) -> None:
        for name in ("members", "hosts", "applications"):
            (folder / name).mkdir(parents=True)
        (folder / "region.yaml").write_text(REGION)
        (folder / "network.yaml").write_text(self.network())
        for member in range(self.members):
            (folder / f"members/member-{member}.yaml").write_text(self.member(member))
        for host in range(self.hosts):
            (folder / f"hosts/host-{host}.yaml").write_text(self.host(host))
        for application in range(self.applications):
            (folder / f"applications/application-{application}.yaml").write_text(self.application(application))

    def network(self) -> str:
        networks = IPv4Network("10.0.0.0/8").subnets(new_prefix=24)
        self.tier_networks = list(islice(networks, self.applications * len(TIERS)))
        rows = [
            f"  - {{id: {self.tier_segment(number)}, site: dijon, kind: tier, network: {network}}}"
            for number, network in enumerate(self.tier_networks)
        ]
        rows += [
            f"  - id: {tunnel(point)}\n    site: dijon\n    kind: tunnel\n    network: {network}\n"
            f'    establishment: "{finess(point % self.establishments)}"'
            for point, network in enumerate(islice(networks, self.points))
        ]
        rows += [
            f"  - {{id: dijon-{purpose}, site: dijon, kind: platform, purpose: {purpose}, network: {network}}}"
            for purpose, network in zip(("administration", "backup", "monitoring"), networks, strict=False)
        ]
        plan = "address_space: [10.0.0.0/8]\nsupernets: [{site: dijon, network: 10.0.0.0/8}]\n"
        return plan + self.groups() + "segments:\n" + "\n".join(rows) + "\n"

    def groups(self) -> str:
        """Group connection points: the first are the establishments' own, the others are access points."""
        rows = [
            f"  - id: {name}\n    name: Groupe {name}\n{profile}    members: [{', '.join(map(tunnel, members))}]\n"
            for profile, groups in (("", self.sites()), ("    profile: access-point\n", self.access_points()))
            for name, members in groups.items()
        ]
        return "groups:\n" + "".join(rows)

    def sites(self) -> dict[str, range]:
        return grouped("sites", range(min(self.establishments, self.points)), TOGETHER)

    def access_points(self) -> dict[str, range]:
        return grouped("points", range(self.establishments, self.points), POINTS_TOGETHER)

    def tier_segment(self, number: int) -> str:
        return f"application-{number // len(TIERS)}-{TIERS[number % len(TIERS)]}"

    def member(self, member: int) -> str:
        rows = "".join(
            f'  - finess: "{finess(number)}"\n    name: Établissement {number}\n'
            '    postal_code: "21000"\n    town: Dijon\n'
            for number in range(member, self.establishments, self.members)
        )
        contact = (
            f'  - id: incidents-{member}\n    role: Référent\n    email: m@m.example\n    telephone: "0353010020"\n'
        )
        head = f'id: member-{member}\nname: Membre {member}\nfiness: "{finess(500_000 + member)}"\njoined: 2026-01-01\n'
        return head + (f"establishments:\n{rows}" if rows else "") + f"contacts:\n{contact}"

    def host(self, host: int) -> str:
        tier = host % (self.applications * len(TIERS))
        address = self.tier_networks[tier][10 + host // (self.applications * len(TIERS))]
        return (
            f"id: host-{host}\nsite: dijon\nrole: application\ninterfaces:\n  - name: eth1\n"
            f"    segment: {self.tier_segment(tier)}\n    address: {address}/24\n"
            "data_devices:\n  - path: /dev/disk/by-id/virtio-data\n    size_gib: 260\n"
        )

    def application(self, application: int) -> str:
        activities = "physical-sites, hardware, virtual-infrastructure, application-platform, administration, backup"
        owners = dict.fromkeys(point % self.establishments for point in self.tunnels(application))
        establishments = ", ".join(f'"{finess(number)}"' for number in owners)
        needs = f"depends_on: [application-{application - 1}]\n" if application else ""
        return (
            f"id: application-{application}\nname: Application {application}\nprofile: imaging-exchange\n"
            f"environment: production\ndata_class: D3\ncontinuity: C1\nhds_activities: [{activities}]\n"
            f"establishments: [{establishments}]\nincident_contact: incidents-{next(iter(owners)) % self.members}\n"
            f"{needs}"
            f"tiers:\n{self.tiers(application)}"
            "buckets:\n  - {id: images, store: objects}\n"
            "backup:\n  store: objects\n  volumes: [volume-front, volume-app, volume-data]\n"
            "  lock_days: 30\n"
            f"flows:\n{self.rows(application)}"
        )

    def tiers(self, application: int) -> str:
        text = ""
        for number, tier in enumerate(TIERS):
            of_tier = application * len(TIERS) + number
            hosts = ", ".join(f"host-{h}" for h in range(of_tier, self.hosts, self.applications * len(TIERS)))
            text += (
                f"  - id: {tier}\n    segment: {self.tier_segment(of_tier)}\n    hosts: [{hosts}]\n    volumes:\n"
                f"      - id: volume-{tier}\n        size_gib: 250\n        filesystem: xfs\n"
                f"        mount_point: /srv/{tier}\n"
            )
        return text

    def flows_of(self, application: int) -> int:
        return self.flows // self.applications + (application < self.flows % self.applications)

    def sources(self, application: int) -> Iterator[tuple[str, str, str, range]]:
        """Give the source, destination and protocol of each row of an application, and the points behind it."""
        room = self.flows_of(application)
        asked = [(*item, code) for code in POINT_PROTOCOLS for item in self.access_points().items()]
        for name, members, code in asked[application :: self.applications]:
            if len(members) <= room:
                room -= len(members)
                yield f"group:{name}", "app", code, members
        sites = list(self.sites().items())
        turned = [sites[(application + number) % len(sites)] for number in range(len(sites))]
        for tier, (name, members), code in product(("app", "front", "data"), turned, PROTOCOLS):
            if len(members) <= room:
                yield f"group:{name}", tier, code, members
            else:
                yield from ((tunnel(point), tier, code, range(point, point + 1)) for point in members[:room])
            room -= min(room, len(members))
            if not room:
                return

    def tunnels(self, application: int) -> list[int]:
        """Give the connection points that an application has flows from."""
        return list(dict.fromkeys(point for *_, members in self.sources(application) for point in members))

    def rows(self, application: int) -> str:
        return "".join(
            f"  - source: {source}\n    destination: tier:{tier}\n    protocol: {code}\n"
            f"    purpose: Échanges de l'établissement\n    owner: Direction des systèmes d'information\n"
            f"    expires: 2028-12-31\n    ticket: RACC-2026-{application}\n"
            for source, tier, code, _ in self.sources(application)
        )


def tunnel(point: int) -> str:
    return f"tunnel-{point}"


def grouped(name: str, points: range, size: int) -> dict[str, range]:
    return {
        f"{name}-{number}": points[start : start + size] for number, start in enumerate(range(0, len(points), size))
    }


def measure(factor: float) -> float:
    """Time the loading of a region of size *factor*; give the seconds of processor that it took."""
    with tempfile.TemporaryDirectory() as name:
        LargeRegion(factor).write(Path(name) / "region")
        started, started_work = time.perf_counter(), time.process_time()
        region = load_region(Path(name) / "region", TODAY)
        seconds, work_seconds = time.perf_counter() - started, time.process_time() - started_work
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    flows = count_ways(region)
    points = sum(segment.kind == "tunnel" for segment in region.segments)
    sizes = f"{points} connection points, {len(region.hosts)} hosts, {flows} flows"
    print(
        f"factor {factor}: {seconds:.2f} s ({work_seconds:.2f} s of processor), at most {peak_mib} MiB so far ({sizes})"
    )
    return work_seconds


if __name__ == "__main__":
    once = measure(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
    twice = measure(2 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1))
    print(f"twice the region takes {twice / once:.2f} times as long")
