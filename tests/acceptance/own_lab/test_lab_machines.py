"""Two real machines of a lab: what makes each its own, how they reach each other, what a reboot keeps, what is left."""

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hosting_cli.lab import addresses, breakage, channels, image, machines, network, template
from hosting_cli.lab.laboratory import DATA_DISK_GIB
from hosting_cli.lab.machines import RunningMachine, State
from hosting_cli.lab.specification import Forward, Link, MachineSpec

APP, GATEWAY = "dijon-app-1", "dijon-gateway-1"
GATEWAY_LINKS = (Link("application", "10.21.10.1/24"), Link("tunnel", "10.21.20.1/24"))


class TellWhoAsks(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(self.client_address[0].encode())


@dataclass(frozen=True)
class Pair:
    lab: Path
    reached: dict[str, RunningMachine]

    def ssh(self, name: str, *argv: str) -> "subprocess.CompletedProcess[str]":
        """Log in as an operator would: with the bootstrap key, and the host key that was known in advance."""
        machine = self.reached[name]
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": machine.directory / "known_hosts",
            "ConnectTimeout": 60,
        }
        flags = [text for key, value in options.items() for text in ("-o", f"{key}={value}")]
        target = ["-i", str(machine.bootstrap_key), "-p", str(machine.ssh_port), "root@127.0.0.1"]
        command = ["ssh", "-F", "none", *flags, *target, *argv]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    def run(self, name: str, script: str) -> str:
        """Run *script* through the guest's agent, for what must be seen when SSH is closed."""
        done = channels.run(machines.directory(self.lab, name), ["sh", "-c", script])
        assert done.status == 0, done
        return done.output.strip()


@contextmanager
def started(lab: Path, specs: Sequence[MachineSpec]) -> Iterator[Pair]:
    """Start machines in *lab*, with the switches of their segments; remove all of it in the end."""
    cache = Path(os.environ.get("HOSTING_CACHE") or Path.home() / ".cache/hosting")
    built = image.build(cache, print)
    booted = template.build(cache, built, specs[0].shape, print, kvm=False)
    try:
        for name in sorted({link.network for spec in specs for link in spec.links}):
            network.start(lab, name)
        machines_of_lab = machines.start_all(specs, lab, built, lambda spec: booted, print)
        yield Pair(lab, {machine.name: machine for machine in machines_of_lab})
    finally:
        for name in machines.names(lab):
            machines.remove(lab, name)
        network.stop_all(lab)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Start two machines in a lab with a path longer than a socket's may be, and a service that tells who asks."""
    lab = tmp_path_factory.mktemp("lab") / ("long-" * 20)
    lab.mkdir()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), TellWhoAsks) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        forwards = (Forward(addresses.VAULT, 8200, service.server_address[1]),)
        specs = (
            MachineSpec(APP, 1, 512, DATA_DISK_GIB, (Link("application", "10.21.10.11/24"),), forwards),
            MachineSpec(GATEWAY, 2, 512, DATA_DISK_GIB, GATEWAY_LINKS, forwards),
        )
        try:
            with started(lab, specs) as found:
                yield found
        finally:
            service.shutdown()


def test_each_clone_is_a_machine_of_its_own(pair: Pair) -> None:
    own = {}
    for name in (APP, GATEWAY):
        done = pair.ssh(name, "hostname; cat /etc/machine-id; ip -brief address; date +%s; systemctl is-system-running")
        assert done.stdout.startswith(f"{name}\n"), done
        assert "running" in done.stdout
        own[name] = done.stdout.split("\n")
    assert own[APP][1] != own[GATEWAY][1]
    assert "10.21.10.11/24" in "".join(own[APP])
    assert "10.21.10.1/24" in "".join(own[GATEWAY])
    assert "10.21.20.1/24" in "".join(own[GATEWAY])


def test_clones_draw_different_random_numbers(pair: Pair) -> None:
    drawn = {pair.run(name, "head -c 16 /dev/urandom | od -A n -t x1") for name in (APP, GATEWAY)}
    assert len(drawn) == 2


def test_the_service_sees_which_machine_asks_and_nothing_else_is_reached(pair: Pair) -> None:
    ask = (
        "import socket; print(socket.create_connection(('10.0.2.100', 8200), 60).recv(100).decode())\n"
        "try: socket.create_connection(('10.0.2.2', 22), 20)\n"
        "except OSError: print('unreachable')"
    )
    for name, source in ((APP, "127.0.1.11"), (GATEWAY, "127.0.1.12")):
        assert pair.run(name, f'python3 -c "{ask}"').split() == [source, "unreachable"]
        assert pair.reached[name].vault_sees == f"{source}/32"


def test_a_link_carries_packets_until_it_is_cut(pair: Pair) -> None:
    ping = "ping -c 1 -W 20 10.21.10.11 > /dev/null && echo passed || echo lost"
    lose = "ping -c 2 -W 2 10.21.10.11 > /dev/null && echo passed || echo lost"
    assert pair.run(GATEWAY, ping) == "passed"
    network.block(pair.lab, "application", APP, blocked=True)
    pair.run(GATEWAY, "sleep 0.3")
    assert pair.run(GATEWAY, lose) == "lost"
    network.block(pair.lab, "application", APP, blocked=False)
    assert pair.run(GATEWAY, ping) == "passed"
    breakage.cut_link(pair.lab, APP, "application")
    assert pair.run(APP, "cat /sys/class/net/eth1/carrier") == "0"
    assert pair.run(GATEWAY, lose) == "lost"
    breakage.mend_link(pair.lab, APP, "application")
    assert pair.run(APP, "cat /sys/class/net/eth1/carrier") == "1"
    assert pair.run(GATEWAY, ping) == "passed"


def test_a_full_disk_is_full_until_it_is_freed(pair: Pair) -> None:
    write = "echo data > /root/probe 2> /dev/null && sync && echo written || echo full"
    breakage.fill_disk(pair.lab, APP, "/")
    assert pair.run(APP, write) == "full"
    breakage.free_disk(pair.lab, APP, "/")
    assert pair.run(APP, write) == "written"


def test_a_reboot_keeps_the_disks_the_addresses_and_what_was_taken_away(pair: Pair) -> None:
    """LVM is what a reboot is most likely to lose; the bootstrap key is what it must not bring back."""
    prepare = (
        "set -e; pvcreate -q /dev/disk/by-id/virtio-data; vgcreate -q data /dev/disk/by-id/virtio-data;"
        " lvcreate -q -y -L 64M -n images data; test -L /dev/mapper/data-images; echo kept > /dev/data/images;"
        " systemctl enable -q chrony; rm /root/.ssh/authorized_keys; sync; cat /proc/sys/kernel/random/boot_id"
    )
    before = pair.run(APP, prepare).splitlines()[-1]
    after = machines.reboot(pair.lab, APP, print)
    assert before != after
    assert pair.run(APP, "cat /proc/sys/kernel/random/boot_id; hostname") == f"{after}\n{APP}"
    assert "10.21.10.11/24" in pair.run(APP, "ip -brief address show eth1")
    assert pair.run(APP, "udevadm settle; head -c 4 /dev/data/images; systemctl is-active chrony") == "keptactive"
    assert abs(float(pair.run(APP, "date +%s")) - float(_now())) < 30
    refused = pair.ssh(APP, "true")
    assert refused.returncode == 255
    assert "Permission denied" in refused.stderr


def test_a_machine_of_the_same_name_and_segment_in_another_lab_is_another_one(
    pair: Pair, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reach = "ping -c 2 -W 5 {} > /dev/null && echo passed || echo lost"
    spec = MachineSpec(APP, 1, 512, DATA_DISK_GIB, (Link("application", "10.21.10.11/24"),))
    with started(tmp_path_factory.mktemp("other"), [spec]) as other:
        assert other.reached[APP].host_key != pair.reached[APP].host_key
        assert other.ssh(APP, "hostname").stdout == f"{APP}\n"
        assert other.run(APP, reach.format("10.21.10.1")) == "lost"
        assert pair.run(GATEWAY, reach.format("10.21.10.11")) == "passed"
    assert pair.run(GATEWAY, reach.format("10.21.10.11")) == "passed"


def _now() -> str:
    return subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout


def test_a_killed_machine_comes_back_with_what_it_had_written_down(pair: Pair) -> None:
    pair.run(GATEWAY, "echo kept > /root/kept; sync")
    machines.kill(pair.lab, GATEWAY)
    assert machines.status(pair.lab, GATEWAY) is State.STOPPED
    again = machines.restart(pair.lab, GATEWAY, print)
    assert again == pair.reached[GATEWAY]
    done = pair.ssh(GATEWAY, "cat /root/kept; ip -brief address")
    assert done.stdout.startswith("kept\n"), done
    assert "10.21.20.1/24" in done.stdout
    assert machines.start_all([_expect(pair, GATEWAY)], pair.lab, _no_image(), _no_template, print) == (again,)


def _expect(pair: Pair, name: str) -> MachineSpec:
    return machines.expect(pair.lab, name).spec


def _no_image() -> image.Image:
    return image.Image("none", Path("/nonexistent"))


def _no_template(spec: MachineSpec) -> template.Template:
    """What runs already is left as it is, and needs neither image nor template."""
    return template.Template(spec.name, Path("/nonexistent"), kvm=False)


def test_what_is_removed_leaves_no_process_and_no_file(pair: Pair) -> None:
    title = network.title(pair.lab)
    assert len(_processes(title)) == 4
    for name in machines.names(pair.lab):
        machines.remove(pair.lab, name)
    network.stop_all(pair.lab)
    assert _processes(title) == []
    assert [path for path in pair.lab.rglob("*") if not path.is_dir()] == [pair.lab / "bootstrap_key"]
    assert [state for name in (APP, GATEWAY) if (state := machines.status(pair.lab, name)) is not State.ABSENT] == []


def _processes(title: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace") if entry.name.isdigit() else ""
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [line] if title in line else []
    return found
