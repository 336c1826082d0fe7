"""One lab: its directory, its engines and machines, and how they come up and go away.

    lab.json            which ports were chosen, which region it is for
    environment.yaml    points the region at this lab: addresses and paths, never a secret
    tls/ openbao/ seaweedfs/ alertmanager/ prometheus/ exporter/ vms/ network/ tokens/
    unseal.json bootstrap_key journal.jsonl

Whoever starts something records it before it runs; so whoever comes later can remove it, whatever was killed.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hosting_cli.errors import EngineError, UsageError
from hosting_cli.lab import (
    accelerator,
    addresses,
    image,
    machines,
    monitoring,
    network,
    processes,
    recorded,
    records,
    template,
)
from hosting_cli.lab.machines import RunningMachine
from hosting_cli.lab.monitoring import Monitoring
from hosting_cli.lab.openbao import OpenBaoServer
from hosting_cli.lab.processes import Process
from hosting_cli.lab.progress import Progress
from hosting_cli.lab.seaweedfs import PORTS_NEEDED, KeyService, SeaweedServer
from hosting_cli.lab.specification import Forward, Link, MachineSpec
from hosting_cli.lab.tls import Certificates, certificates
from hosting_cli.memory_file import memory_file
from hosting_cli.secret import Secret
from inventory import naming
from inventory.models import Host, Region
from inventory.network import Interface, Segment

if TYPE_CHECKING:
    from hosting_cli.doors.openbao import OpenBao
    from hosting_cli.jobs import OperatorKey
    from inventory.environment import Environment

MARK = "This directory is a lab of `hosting`. Everything in it can be thrown away."
CONTROLLER = "10.0.2.2"
"""Where machines see the controller's SSH connections come from: QEMU's user network says so."""

VAULT_PORT = 8200
STORE_PORT = 8333
OUTSIDE = "lab_outside"
"""The wire that carries tunnels, as no segment can be called: elsewhere the Internet, or a provider's network."""

OUTSIDE_BITS = 24
"""The wire is one network with no router in it: a gateway and a peer reach each other within such a part."""

DATA_DISK_GIB = 4
TOKEN_PERIOD_SECONDS = 32 * 24 * 3600
PEOPLE = {
    "operations-engineer": naming.OPERATIONS_POLICY,
    "security-officer": naming.APPROVER_POLICY,
    "auditor": naming.AUDITOR_POLICY,
}
"""Who works in a lab, and by which policy: two who act, because production needs two, and one who looks."""


@dataclass(frozen=True)
class Lab:
    """A lab in *directory*; slow results that labs share are in *cache_directory*."""

    directory: Path
    cache_directory: Path

    @property
    def record_file(self) -> Path:
        """Name the file that makes the directory a lab: written first, removed last."""
        return self.directory / "lab.json"

    @property
    def exists(self) -> bool:
        """Tell whether there is a lab, perhaps one that only began."""
        return self.record_file.exists()

    @property
    def is_foreign(self) -> bool:
        """Tell whether the directory holds files of somebody else; what a killed beginning left is ours."""
        if self.exists or not self.directory.exists():
            return False
        return set(self.directory.iterdir()) > records.drafts(self.record_file)

    @property
    def environment_file(self) -> Path:
        """Name the file that points the region at this lab."""
        return self.directory / "environment.yaml"

    @property
    def journal(self) -> Path:
        """Name the journal of what was done in this lab."""
        return self.directory / "journal.jsonl"

    def token_file(self, person: str) -> Path:
        """Name the file with the vault token of *person*."""
        return self.directory / "tokens" / f"{person}.token"

    @cached_property
    def record(self) -> dict[str, Any]:
        """Read which ports and region the lab was made with; raise ``UsageError`` when there is no lab."""
        found = records.read(self.record_file)
        if found is None:
            raise UsageError(f"lab {self.directory}", "is not there", "Run `hosting lab up`.")
        return found

    @cached_property
    def certificates(self) -> Certificates:
        """Give the lab's certificates."""
        return certificates(self.directory / "tls")

    @cached_property
    def vault(self) -> OpenBaoServer:
        """Give the lab's vault, running or not."""
        port, cluster_port = self.record["vault_ports"]
        return OpenBaoServer(
            self.directory / "openbao", self.directory / "unseal.json", self.certificates, port, cluster_port
        )

    @cached_property
    def store(self) -> SeaweedServer:
        """Give the lab's object store, running or not."""
        return SeaweedServer(self.directory / "seaweedfs", self.certificates, tuple(self.record["store_ports"]))

    @cached_property
    def monitoring(self) -> Monitoring:
        """Give what watches the lab, running or not; raise ``EngineError`` for a lab of a version that watched none."""
        if "monitoring_ports" not in self.record:
            remedy = "Run `hosting lab down`, which can remove it, and bring it up anew."
            raise EngineError(f"lab {self.directory}", "another version of hosting made it, without monitoring", remedy)
        return Monitoring(self.directory, self.certificates, tuple(self.record["monitoring_ports"]))


def place() -> Lab:
    """Say where the lab is: ``HOSTING_LAB`` and ``HOSTING_CACHE``, or the places that the XDG directories give."""
    home = Path.home()
    directory = os.environ.get("HOSTING_LAB") or home / ".local/state/hosting/lab"
    cache_directory = os.environ.get("HOSTING_CACHE") or home / ".cache/hosting"
    return Lab(Path(directory).absolute(), Path(cache_directory).absolute())


def begin(lab: Lab, region_folder: Path) -> None:
    """Choose ports and write the lab down, once."""
    if lab.exists:
        return
    if lab.is_foreign:
        raise UsageError(f"lab {lab.directory}", "holds files that are not a lab", "Name another one by HOSTING_LAB.")
    lab.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    chosen = processes.free_ports(2 + PORTS_NEEDED + monitoring.PORTS_NEEDED)
    vault_port, cluster_port, *others = chosen
    content = {
        "mark": MARK,
        "region": str(region_folder.absolute()),
        "vault_ports": [vault_port, cluster_port],
        "store_ports": others[:PORTS_NEEDED],
        "monitoring_ports": others[PORTS_NEEDED:],
    }
    records.write(lab.record_file, content)


# -- engines ------------------------------------------------------------------------------------------------------


def start_vault(lab: Lab) -> None:
    """Start the vault unless it runs, and unseal it."""
    process = running(lab, "openbao") or lab.vault.start(record=recorded.recorder(lab.directory / "openbao"))
    lab.vault.open(process)


def prepare_store(lab: Lab) -> None:
    """Write the object store's configuration, with a fresh secret-id for its key service, unless it runs."""
    if running(lab, "seaweedfs"):
        return
    answer: dict[str, Any] = lab.vault.write(f"auth/{naming.APPROLE_MOUNT}/role/{naming.S3_KMS_ROLE}/secret-id", {})
    secret_id = Secret(answer["data"]["secret_id"])
    lab.store.configure(KeyService(lab.vault.address, lab.certificates.authority, naming.S3_KMS_ROLE, secret_id))


def start_store(lab: Lab) -> None:
    """Start the object store, as it is configured, unless it runs."""
    if not running(lab, "seaweedfs"):
        lab.store.start(record=recorded.recorder(lab.directory / "seaweedfs"))


def start_monitoring(lab: Lab, region: Region, environment: "Environment") -> None:
    """Tell Prometheus and Alertmanager what the files say by now, and start what of the monitoring does not run."""
    lab.monitoring.configure(region, environment)
    lab.monitoring.start(Path(lab.record["region"]), lab.environment_file)


def admit_people(lab: Lab, vault: "OpenBao") -> None:
    """Give everybody in ``PEOPLE`` a token of their own, once; *vault* has a root token."""
    for person, policy in PEOPLE.items():
        if not lab.token_file(person).exists():
            write_secret(
                lab.token_file(person), vault.issue_token(person, (policy,), period_seconds=TOKEN_PERIOD_SECONDS)
            )


@contextmanager
def root_token(lab: Lab) -> Iterator[Path]:
    """Lend the root token as a file, for as long as the vault is set up."""
    file = lab.token_file("root")
    write_secret(file, lab.vault.root_token())
    try:
        yield file
    finally:
        file.unlink()


def stop_engine(lab: Lab, name: str) -> None:
    """Stop an engine, or a part of the monitoring, by its folder, and remove what one that was killed left behind.

    Idempotent.
    """
    process = running(lab, name)
    if name == "seaweedfs":
        lab.store.stop(process)
    elif process is not None:
        processes.stop(process)


def running(lab: Lab, name: str) -> Process | None:
    """Find the recorded process of an engine, if it still runs."""
    return recorded.running(lab.directory / name)


def was_started(lab: Lab, name: str) -> bool:
    """Tell whether a process of an engine, or of a part of the monitoring, is on record, running or not."""
    return recorded.find(lab.directory / name) is not None


def write_secret(file: Path, value: Secret) -> None:
    """Write *value* to *file*, which only its owner can read from the first byte on."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(value.reveal())
    draft.replace(file)


# -- machines -----------------------------------------------------------------------------------------------------


def start_machines(lab: Lab, region: Region, progress: Progress) -> tuple[RunningMachine, ...]:
    """Start a machine for every host of *region*, building the image and the template first if nobody has."""
    specs = tuple(specification(lab, region, host, ordinal) for ordinal, host in enumerate(region.hosts, start=1))
    built = image.build(lab.cache_directory, progress)
    kvm = accelerator.find(lab.cache_directory, built, template.qemu_version(), progress).kvm
    templates = {
        shape: template.build(lab.cache_directory, built, shape, progress, kvm=kvm)
        for shape in dict.fromkeys(spec.shape for spec in specs)
    }
    for name in sorted({link.network for spec in specs for link in spec.links}):
        network.start(lab.directory, name)
    return machines.start_all(specs, lab.directory, built, lambda spec: templates[spec.shape], progress)


def specification(lab: Lab, region: Region, host: Host, ordinal: int) -> MachineSpec:
    """Say what the machine of *host* in *region* is to be.

    Every machine has a data disk, used or not, of the size that the sample's have, so that one template serves all.
    """
    sizes = [device.size_gib for device in host.data_devices]
    return MachineSpec(
        name=host.id,
        ordinal=ordinal,
        data_disk_gib=sizes[0] if sizes else DATA_DISK_GIB,
        links=links(region, host),
        forwards=(
            Forward(addresses.VAULT, VAULT_PORT, lab.vault.port),
            Forward(addresses.OBJECT_STORE, STORE_PORT, int(lab.store.endpoint.rpartition(":")[2])),
        ),
    )


def links(region: Region, host: Host) -> tuple[Link, ...]:
    """Give the network cards of *host* by their names, each on a port with the VLANs that it is to have.

    What a tunnel comes out of is none, and what carries tunnels is one more.
    """
    segments = {segment.id: segment for segment in region.segments}
    ended = {tunnel.segment: end for tunnel in region.tunnels for end in tunnel.gateways if end.host == host.id}
    plain = {item.name: item for item in host.interfaces if item.parent is None and item.segment not in ended}
    cards = (
        _trunk(host, card, segments) if card in host.trunks else _access(host, plain[card], segments)
        for card in sorted({*host.trunks, *plain})
    )
    outside = dict.fromkeys(end.address for end in ended.values())
    return (*cards, *(Link(OUTSIDE, f"{address}/{OUTSIDE_BITS}") for address in outside))


def _trunk(host: Host, card: str, segments: Mapping[str, Segment]) -> Link:
    carried = (segments[interface.segment].vlan for interface in host.interfaces if interface.parent == card)
    return Link(_switch(host.site), tagged=tuple(vlan for vlan in carried if vlan is not None))


def _access(host: Host, interface: Interface, segments: Mapping[str, Segment]) -> Link:
    vlan = segments[interface.segment].vlan
    return Link(interface.segment if vlan is None else _switch(host.site), str(interface.address), untagged=vlan)


def _switch(site: str) -> str:
    """Name the network with a site's VLANs; no segment is called so."""
    return f"{site}.vlans"


def write_environment(lab: Lab, region: Region, started: tuple[RunningMachine, ...]) -> None:
    """Write the one file by which the region's files reach this lab; its one store stands for each of the region's."""
    stores = [store.id for store in region.stores]
    authority = str(lab.certificates.authority)
    content = {
        "environment": "lab",
        "luks_profile": "lab",
        "administration_sources": [f"{CONTROLLER}/32"],
        "time_servers": [],
        "vault": {
            "address": lab.vault.address,
            "certificate_authority": authority,
            "token_file": str(lab.token_file("operations-engineer")),
        },
        "object_stores": {
            name: {
                "endpoint": lab.store.endpoint,
                "region": "lab",
                "certificate_authority": authority,
                "credentials": "platform/object-store-admin",
                "vault_sees": "127.0.0.1/32",
            }
            for name in stores
        },
        "hosts": {machine.name: _host_access(machine, stores) for machine in started},
        "journal": str(lab.journal),
        "monitoring": lab.monitoring.access.model_dump(mode="json"),
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    draft = lab.environment_file.with_name(f"{lab.environment_file.name}.new")
    draft.write_text(f"# Written by `hosting lab up`: addresses and paths of this lab, never a secret.\n{text}")
    draft.replace(lab.environment_file)


def _host_access(machine: RunningMachine, stores: Iterable[str]) -> dict[str, Any]:
    return {
        "address": "127.0.0.1",
        "port": machine.ssh_port,
        "metrics_port": machine.metrics_port,
        "host_key": machine.host_key,
        "bootstrap_key": str(machine.bootstrap_key),
        "vault_address": f"https://{addresses.VAULT}:{VAULT_PORT}",
        "object_stores": dict.fromkeys(stores, f"https://{addresses.OBJECT_STORE}:{STORE_PORT}"),
        "vault_sees": machine.vault_sees,
    }


def shell(lab: Lab, name: str, key: "OperatorKey") -> int:
    """Open a shell on a machine and give its exit status; the key is only ever in memory files of this process."""
    machine = machines.reached(lab.directory, name)
    with memory_file(key.private_key.reveal()) as private, memory_file(key.certificate or "") as certificate:
        ours = f"/proc/{os.getpid()}/fd"
        argv = [
            "ssh", "-F", "none", "-p", str(machine.ssh_port),
            "-i", f"{ours}/{private}", "-o", f"CertificateFile={ours}/{certificate}", "-i", str(machine.bootstrap_key),
            "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", f"UserKnownHostsFile={machine.directory / 'known_hosts'}", "root@127.0.0.1",
        ]  # fmt: skip
        return subprocess.run(argv, check=False).returncode
