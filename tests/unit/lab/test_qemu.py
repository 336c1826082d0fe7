"""QEMU's arguments: what isolates a machine, what makes a clone fit its template, what a path may contain."""

from dataclasses import replace
from pathlib import Path

import pytest

from hosting_cli.lab import network, qemu
from hosting_cli.lab.qemu import Boot, Launch, Port, arguments
from hosting_cli.lab.specification import Forward, Link, MachineSpec, Shape

SPEC = MachineSpec(
    "dijon-app-1",
    1,
    data_disk_gib=2,
    links=(Link("application", "10.21.10.11/24"),),
    forwards=(Forward("10.0.2.100", 8200, 18200), Forward("10.0.2.101", 8333, 18333)),
)
LAUNCH = Launch(
    title="hosting-lab-0123-dijon-app-1",
    ordinal=1,
    shape=SPEC.shape,
    boot=Boot(Path("/cache/vmlinuz"), Path("/cache/initramfs.cpio")),
    kvm=False,
    ssh_port=20022,
    metrics_port=20023,
    ports=network.ports(SPEC),
    forwards=SPEC.forwards,
    memory=Path("/cache/memory"),
    clone=True,
)


def values(argv: list[str], option: str) -> list[str]:
    return [argv[index + 1] for index, argument in enumerate(argv) if argument == option]


def test_a_machine_reaches_what_is_forwarded_and_nothing_else() -> None:
    [management] = [value for value in values(arguments(LAUNCH), "-netdev") if value.startswith("user,")]
    assert management == (
        "user,id=management,restrict=on,hostfwd=tcp:127.0.0.1:20022-:22,hostfwd=tcp:127.0.0.1:20023-:9100"
        ",guestfwd=tcp:10.0.2.100:8200-cmd:socat -lf /dev/null -t 10 - TCP:127.0.0.1:18200,,bind=127.0.1.11"
        ",guestfwd=tcp:10.0.2.101:8333-cmd:socat -lf /dev/null -t 10 - TCP:127.0.0.1:18333,,bind=127.0.1.11"
    )


def test_every_machine_is_seen_from_an_address_of_its_own() -> None:
    second = " ".join(arguments(replace(LAUNCH, ordinal=2)))
    assert "bind=127.0.1.12" in second
    assert "bind=127.0.1.11" not in second


def test_links_go_to_their_switch_and_unused_ones_nowhere() -> None:
    links = values(arguments(LAUNCH), "-netdev")[1:]
    place = "../../network/application"
    local, remote = f"{place}/dijon-app-1.eth1.sock", f"{place}/switch.sock"
    assert links == [
        f"dgram,id=link1,local.type=unix,local.path={local},remote.type=unix,remote.path={remote}",
        "hubport,id=link2,hubid=2",
    ]


def devices(launch: Launch) -> list[str]:
    return [device.partition(",mac=")[0] for device in values(arguments(launch), "-device")]


def test_a_clone_has_the_devices_of_its_template_in_their_order() -> None:
    template = replace(LAUNCH, ordinal=0, ports=(), forwards=(), memory_shared=True, clone=False)
    assert devices(LAUNCH) == devices(template)
    assert values(arguments(LAUNCH), "-m") == values(arguments(template), "-m")


def test_only_a_clone_waits_and_only_a_template_shares_its_memory() -> None:
    template = arguments(replace(LAUNCH, clone=False, memory_shared=True))
    assert "-incoming" not in template
    assert values(template, "-object")[0].endswith("mem-path=/cache/memory,share=on")
    assert values(arguments(LAUNCH), "-incoming") == ["defer"]
    assert values(arguments(LAUNCH), "-object")[0].endswith("mem-path=/cache/memory,share=off")


def test_a_machine_started_from_its_disks_has_plain_memory() -> None:
    assert values(arguments(replace(LAUNCH, memory=None, clone=False)), "-object") == [
        "memory-backend-ram,id=memory,size=512M"
    ]


@pytest.mark.parametrize(("gib", "serials"), [(2, ["virtio-blk-pci,drive=data,serial=data"]), (None, [])])
def test_the_data_disk_is_known_by_its_serial(gib: int | None, serials: list[str]) -> None:
    found = devices(replace(LAUNCH, shape=Shape(512, gib, 2)))
    assert [device for device in found if "serial=" in device] == serials


def test_a_reboot_of_the_guest_is_a_reboot() -> None:
    assert "-no-reboot" not in arguments(LAUNCH)


def test_a_comma_in_a_path_does_not_end_it() -> None:
    launch = replace(LAUNCH, memory=Path("/a,b/memory"), ports=(Port("x,y", "z"),))
    text = " ".join(arguments(launch))
    assert "mem-path=/a,,b/memory" in text
    assert "local.path=x,,y" in text


@pytest.mark.parametrize(("kvm", "expected"), [(True, ["kvm"]), (False, ["tcg,thread=multi"])])
def test_emulation_is_only_used_when_it_must_be(kvm: bool, expected: list[str]) -> None:
    assert values(arguments(replace(LAUNCH, kvm=kvm)), "-accel") == expected


def test_sockets_have_short_names_wherever_the_lab_is() -> None:
    sockets = [port.local for port in network.ports(replace(SPEC, name="x" * 40))] + [qemu.QMP, qemu.AGENT]
    assert all(len(socket) < 108 for socket in sockets)
