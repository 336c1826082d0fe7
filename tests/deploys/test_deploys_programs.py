"""The programs that are sent to hosts, run here as they are there: as text on Python's standard input."""

import ast
import hashlib
import json
import os
import socket
import stat
import struct
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deploys.programs import INTERPRETER, interfaces, program, read_host
from deploys.programs.parts import filesystems, firewall, fork, luks, storage, tunnels
from deploys.programs.parts.interfaces import interfaces_held

REQUEST: dict[str, Any] = {"timeout_seconds": 30}


def run(name: str, request: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        INTERPRETER,
        input=program(name, request),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
    )


def answer(**parts: Any) -> Any:
    done = run("read_host", {**REQUEST, **parts})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# -- the text -------------------------------------------------------------------------------------------------------

PROGRAMS = sorted(path.stem for path in Path(read_host.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_one_text_that_asks_for_nothing_of_ours_and_means_one_thing_by_each_name(name: str) -> None:
    tree = ast.parse(program(name, {}))
    asked = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not [module for module in asked if module and module.startswith("deploys")]
    told = Counter(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    set_ = Counter(ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign) for target in node.targets)
    assert {name: times for name, times in (told + set_).items() if times > 1}.keys() <= {"TYPE_CHECKING"}
    assert told["main"] == 1


# -- reading ----------------------------------------------------------------------------------------------------------


def test_files_are_described_and_missing_ones_are_none(tmp_path: Path) -> None:
    file = tmp_path / "é file"
    file.write_text("content\n")
    file.chmod(0o2640)
    (tmp_path / "link").symlink_to(file)
    found = answer(files=[str(file), str(tmp_path / "none"), str(file / "below"), str(tmp_path / "link")])["files"]
    described = found["value"][str(file)]
    assert described["sha256"] == hashlib.sha256(b"content\n").hexdigest()
    assert described["mode"] == "2640"
    assert found["value"][str(tmp_path / "none")] is None
    assert found["value"][str(file / "below")] is None
    assert found["value"][str(tmp_path / "link")]["sha256"] == "not a file"


def test_one_part_that_fails_does_not_hide_the_others(tmp_path: Path) -> None:
    found = answer(texts=[str(tmp_path)], presence=["/etc"])
    assert found["texts"] == {"unknown": f"IsADirectoryError: [Errno 21] Is a directory: '{tmp_path}'"}
    assert found["presence"] == {"value": ["/etc"]}


SECTION = b"\x01\x06beaune"
PAIR = b"\x03\x05state\x00\x02up"
LIST = b"\x04\x05addrs\x05\x00\x011\x05\x00\x012\x06"


def test_a_message_of_the_daemon_of_tunnels_is_read_as_it_is_described() -> None:
    assert tunnels.vici_message(b"") == {}
    found = tunnels.vici_message(SECTION + PAIR + LIST + b"\x02" + PAIR)
    assert found == {"beaune": {"state": "up", "addrs": ["1", "2"]}, "state": "up"}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(SECTION + PAIR, id="a section without its end"),
        pytest.param(PAIR[:-1], id="a value that is cut off"),
        pytest.param(PAIR[:4], id="a name that is cut off"),
        pytest.param(PAIR + b"\x02", id="an end without a section"),
        pytest.param(LIST[:-1], id="a list without its end"),
        pytest.param(LIST[:-1] + PAIR, id="a pair in a list"),
        pytest.param(b"\x09\x01a", id="a kind that there is not"),
        pytest.param(b"\x03\x01a\x00\x01\xff", id="a value that is no text"),
    ],
)
def test_a_message_that_is_none_is_not_read_as_something_else(message: bytes) -> None:
    with pytest.raises((ValueError, LookupError)):
        tunnels.vici_message(message)


def test_without_a_daemon_of_tunnels_there_is_none(tmp_path: Path) -> None:
    asked = {"socket": str(tmp_path / "vici"), "timeout_seconds": 5, "certificate": str(tmp_path / "none.pem")}
    assert answer(tunnels=asked) == {"tunnels": {"value": {"daemon": None, "certificate": None}}}


def test_a_daemon_of_tunnels_that_hangs_is_unknown_and_hides_nothing_else(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "vici"))
        silent.listen()
        asked = {"socket": str(tmp_path / "vici"), "timeout_seconds": 0.2, "certificate": str(tmp_path / "none.pem")}
        found = answer(tunnels=asked, presence=["/etc"])
    assert found == {"tunnels": {"unknown": "TimeoutError: timed out"}, "presence": {"value": ["/etc"]}}


def test_a_manifest_that_is_damaged_is_unknown_and_never_empty(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"resources": [')
    assert "JSONDecodeError" in answer(manifest={"path": str(manifest), "known": []})["manifest"]["unknown"]


def test_files_of_the_manifest_are_read_unless_they_were_asked_for_anyway(tmp_path: Path) -> None:
    manifest, left = tmp_path / "manifest.json", tmp_path / "left"
    left.write_text("x")
    ours = [["host-file", str(left), "gone"], ["host-file", "/known", "platform"], ["host-unit", "x.timer", "gone"]]
    manifest.write_text(json.dumps({"resources": ours}))
    found = answer(manifest={"path": str(manifest), "known": ["/known"]})["manifest"]["value"]
    assert list(found["files"]) == [str(left)]
    assert found["resources"] == ours


def test_without_a_manifest_nothing_is_ours(tmp_path: Path) -> None:
    assert answer(manifest={"path": str(tmp_path / "none"), "known": []})["manifest"] == {"value": None}


def test_packages_are_those_that_dpkg_has_installed() -> None:
    known = (
        subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}\n", "coreutils"], check=False).returncode == 0
    )
    assert known
    assert answer(packages=["coreutils", "no-such-package", "core"])["packages"] == {"value": ["coreutils"]}


@pytest.mark.parametrize(
    ("table", "installed"),
    [
        (b"Package: a\nStatus: install ok installed\n", True),
        (b"Package: b\nStatus: install ok installed\n\nPackage: a\nStatus: install ok installed\n", True),
        (b"Package: a\nStatus: deinstall ok config-files\n", False),
        (b"Package: a\nStatus: install ok half-configured\n", False),
        (b"Package: ab\nStatus: install ok installed\n", False),
        (b"Package: b\nDescription: a\n Package: a\nStatus: install ok installed\n", False),
    ],
)
def test_a_package_counts_only_when_it_is_installed(table: bytes, installed: bool) -> None:
    assert read_host._is_installed(b"\n\n" + table, "a") is installed


def test_a_tool_that_is_not_installed_cannot_have_made_anything() -> None:
    tried = fork.Fork(["no-such-tool"])
    assert tried.pid is None
    assert storage._lvm_rows(tried) == []
    with pytest.raises(ValueError, match="no-such-tool is not installed"):
        tried.text()


def test_a_tool_that_fails_is_unknown() -> None:
    with pytest.raises(ValueError, match=r"ls .* failed \(2\)"):
        fork.Fork(["ls", "/none"]).text()


def test_the_program_ends_rather_than_hangs(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = run("read_host", {"timeout_seconds": 1, "texts": [str(fifo)]})
    assert done.returncode != 0
    assert done.stdout == ""


def test_a_program_that_was_cut_off_does_nothing(tmp_path: Path) -> None:
    request = {"pending": str(tmp_path / "p"), "files": [entry(tmp_path / "file")]}
    text = program("write_files", request)
    subprocess.run(INTERPRETER, input=text[: len(text) - 20], capture_output=True, text=True, check=False)
    assert not (tmp_path / "file").exists()


def header(label: bytes = b"hosting-x-data", *, version: int = 2, damage: bool = False) -> bytes:
    """Write a LUKS2 header as the format's specification lays it out."""
    slot = {"key_size": 64, "kdf": {"type": "argon2id", "time": 4, "memory": 32768, "cpus": 1, "salt": "…"}}
    config = {"json_size": "12288", "keyslots_size": "16744448", "flags": ["allow-discards"]}
    segments = {"0": {"encryption": "aes-xts-plain64"}}
    area = json.dumps({"keyslots": {"0": slot}, "segments": segments, "config": config}).encode()
    area = area.ljust(16384 - 4096, b"\0")
    binary = bytearray(4096)
    struct.pack_into(">6sHQ", binary, 0, b"LUKS\xba\xbe", version, 16384)
    binary[24 : 24 + len(label)] = label
    binary[168:204] = b"11111111-2222-3333-4444-555555555555"
    binary[448:480] = hashlib.sha256(bytes(binary) + area).digest()
    if damage:
        area = b"x" + area[1:]
    return bytes(binary) + area


def test_a_luks_header_is_read_without_any_tool(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.write_bytes(header())
    found = luks.luks_header(str(device))
    assert found is not None
    assert (found["label"], found["ciphers"]) == ("hosting-x-data", ["aes-xts-plain64"])
    assert found["flags"] == ["allow-discards"]
    assert found["uuid"] == "11111111-2222-3333-4444-555555555555"
    assert found["slots"] == {"0": {"key_bits": 512, "type": "argon2id", "memory": 32768, "time": 4, "cpus": 1}}


def test_no_header_is_none_and_a_damaged_one_is_an_error(tmp_path: Path) -> None:
    device = tmp_path / "device"
    device.write_bytes(bytes(8192))
    assert luks.luks_header(str(device)) is None
    device.write_bytes(header(damage=True))
    with pytest.raises(ValueError, match="does not match its checksum"):
        luks.luks_header(str(device))
    device.write_bytes(header(version=1))
    with pytest.raises(ValueError, match="version 1"):
        luks.luks_header(str(device))


def test_an_ext4_file_system_is_known_with_its_size(tmp_path: Path) -> None:
    device = tmp_path / "device"
    with device.open("xb") as stream:
        stream.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", device], check=True)
    with device.open("ab") as stream:
        stream.truncate(96 << 20)  # the device grew, the file system did not
    assert filesystems.read_filesystem(str(device), []) == {"filesystem": "ext4", "filesystem_bytes": 64 << 20}


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"XFSB" + struct.pack(">IQ", 4096, 1 << 18), ("xfs", 1 << 30)), (bytes(4), (None, None))],
    ids=["xfs", "none"],
)
def test_other_file_systems_are_known_by_their_magic(content: bytes, found: tuple[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "device").write_bytes(content + bytes(4096))
    assert tuple(filesystems.read_filesystem(str(tmp_path / "device"), []).values()) == found


# -- measuring --------------------------------------------------------------------------------------------------------

MEASURED = """
mount -t tmpfs a "$1" && mkdir -p "$1/server" "$1/studies" "$1/elsewhere" && mount -t tmpfs b "$1/elsewhere"
printf 12345 > "$1/studies/a"; printf 123 > "$1/b"; ln -s b "$1/link"; mkfifo "$1/pipe"
printf 1234567 > "$1/server/of-a-database"; printf 12 > "$1/elsewhere/of-another-volume"
[ -z "$2" ] || touch "$1/$2"
exec /usr/bin/python3 -I -S -
"""
"""A volume of its own, as only this process sees it."""


def measured(folder: Path, *, mark: str = "", script: str = MEASURED) -> Any:
    request = {"folder": str(folder), "leave_out": [f"{folder}/server"], "mark": f"{folder}/unfinished"}
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-ec", script, "sh", str(folder), mark],
        input=program("measure_files", request),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_volume_is_measured_by_its_own_files_alone(tmp_path: Path) -> None:
    assert measured(tmp_path) == {"mounted": True, "marked": False, "bytes": 8}


def test_a_volume_that_is_being_filled_says_so(tmp_path: Path) -> None:
    assert measured(tmp_path, mark="unfinished") == {"mounted": True, "marked": True, "bytes": 8}


def test_a_folder_that_nothing_is_mounted_on_is_no_volume(tmp_path: Path) -> None:
    plainly = "exec /usr/bin/python3 -I -S -"
    assert measured(tmp_path, script=plainly) == {"mounted": False, "marked": False, "bytes": 0}
    assert measured(tmp_path / "none", script=plainly) == {"mounted": False, "marked": False, "bytes": 0}


# -- writing ----------------------------------------------------------------------------------------------------------


def entry(path: Path, content: str | None = "new\n", **more: Any) -> dict[str, Any]:
    owner = {"user": "root", "group": "root"} if os.getuid() == 0 else _me()
    return {"path": str(path), "content": content, "mode": "0640", "notifies": [], **owner, **more}


def _me() -> dict[str, str]:
    import grp
    import pwd

    return {"user": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


def write(tmp_path: Path, *entries: dict[str, Any]) -> tuple[int, Any]:
    done = run("write_files", {"pending": str(tmp_path / "pending"), "files": list(entries)})
    return done.returncode, json.loads(done.stdout)


def test_a_file_appears_whole_and_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "file"
    assert write(tmp_path, entry(file, "é\n")) == (0, {})
    assert file.read_text() == "é\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o755
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_what_a_killed_run_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "file.hosting-new").write_text("half")
    assert write(tmp_path, entry(tmp_path / "file")) == (0, {})
    assert not (tmp_path / "file.hosting-new").exists()


def test_units_are_noted_before_their_files_change(tmp_path: Path) -> None:
    status, failed = write(tmp_path, entry(tmp_path / "file", notifies=["x.service"], user="no-such-user"))
    assert (status, list(failed)) == (1, [str(tmp_path / "file")])
    assert (tmp_path / "pending" / "x.service").exists()
    assert not (tmp_path / "file").exists()


def test_one_file_that_fails_does_not_stop_the_next(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    status, failed = write(tmp_path, entry(tmp_path / "taken" / "file"), entry(tmp_path / "good"))
    assert status == 1
    assert list(failed) == [str(tmp_path / "taken" / "file")]
    assert (tmp_path / "good").exists()


def test_a_file_without_content_is_removed_once_or_twice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    assert write(tmp_path, entry(tmp_path / "file", None)) == (0, {})
    assert write(tmp_path, entry(tmp_path / "file", None)) == (0, {})
    assert not (tmp_path / "file").exists()


# -- units ------------------------------------------------------------------------------------------------------------

SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$LOG"
case "$1" in
show) shift 2; first=1
  for unit in "$@"; do
    [ "$unit" = -- ] && continue
    [ $first = 1 ] || echo; first=0
    case "$unit" in
    broken*) printf 'ActiveState=failed\\nResult=exit-code\\nUnitFileState=enabled\\n';;
    *) printf 'ActiveState=active\\nResult=success\\nUnitFileState=enabled\\n';;
    esac
  done;;
start) case "$*" in *broken*) echo "Job for broken.service failed." >&2; exit 1;; esac;;
esac
"""


def apply(tmp_path: Path, **request: Any) -> tuple[int, Any, list[str]]:
    """Run the program with a `systemctl` that notes what it is asked and has one broken unit."""
    fake, log = tmp_path / "systemctl", tmp_path / "log"
    fake.write_text(SYSTEMCTL)
    fake.chmod(0o755)
    log.write_text("")
    asked = {"pending": str(tmp_path / "pending"), "reload": False, "enable": [], "verbs": {}, **request}
    done = run("apply_units", asked, PATH=f"{tmp_path}:/usr/bin:/bin", LOG=str(log))
    return done.returncode, json.loads(done.stdout), log.read_text().splitlines()


def test_units_take_as_few_calls_as_that_takes(tmp_path: Path) -> None:
    verbs = {"start": ["a.service", "b.timer"], "restart": ["c.service"]}
    status, failed, calls = apply(tmp_path, enable=["a.service", "b.timer"], verbs=verbs)
    assert (status, failed) == (0, {})
    assert calls[:4] == [
        "enable --no-reload --quiet a.service b.timer",
        "daemon-reload",
        "start a.service b.timer",
        "restart c.service",
    ]
    assert len(calls) == 5


def test_a_unit_that_does_not_run_is_named_with_its_reason_and_alone(tmp_path: Path) -> None:
    pending = tmp_path / "pending"
    pending.mkdir()
    for unit in ("a.service", "broken.service"):
        (pending / unit).touch()
    status, failed, _ = apply(tmp_path, verbs={"start": ["a.service", "broken.service"]})
    assert status == 1
    assert list(failed) == ["broken.service"]
    assert "is failed (exit-code)" in failed["broken.service"]
    assert "Job for broken.service failed." in failed["broken.service"]
    assert [path.name for path in pending.iterdir()] == ["broken.service"]


def test_what_is_only_enabled_need_not_run(tmp_path: Path) -> None:
    status, failed, calls = apply(tmp_path, enable=["broken.service"])
    assert (status, failed) == (0, {})
    assert calls[:2] == ["enable --no-reload --quiet broken.service", "daemon-reload"]


def test_systemd_reads_its_files_again_when_told_to(tmp_path: Path) -> None:
    assert apply(tmp_path, reload=True, verbs={"start": ["a.service"]})[2][0] == "daemon-reload"
    assert "daemon-reload" not in apply(tmp_path, verbs={"start": ["a.service"]})[2]


# -- the firewall -----------------------------------------------------------------------------------------------------

LISTED = "table inet hosting {\n\tset isolated {\n\t\ttype ipv4_addr\n\t\tflags interval%s\n\t}\n}\n"
ISOLATED = '\n\t\telements = { 10.0.0.0/24 comment "a-segment",\n\t\t\t     10.0.1.1-10.0.1.5 }'
NFT = f"#!/bin/sh\ncat <<'END'\n{LISTED % ISOLATED}END\n"
TIMER = """#!/bin/sh
echo "$*" >> "$LOG"
[ "$1" != is-active ] || [ -e "$RUNS" ]
"""


def keep(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the program with tools that pretend; it gives its own the PATH of a host, hence the change of its text."""
    timer = TIMER.replace("$LOG", f"{tmp_path}/log").replace("$RUNS", f"{tmp_path}/runs")
    for name, text in (("nft", NFT), ("systemctl", timer)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    request = {
        "timer": "restore.timer",
        "firewall": {"table": ["inet", "hosting"], "set": "isolated", "directory": str(tmp_path / "isolated.d")},
        "text": "digest",
        "record": str(tmp_path / "loaded.json"),
        "file": entry(tmp_path / "rules.nft"),
    }
    text = program("keep_firewall", request).replace('"PATH": "', f'"PATH": "{tmp_path}:')
    return subprocess.run(INTERPRETER, input=text, capture_output=True, text=True, check=False)


def test_rules_are_kept_while_the_timer_runs_that_would_undo_them(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    done = keep(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "log").read_text().splitlines() == ["is-active --quiet restore.timer", "stop restore.timer"]
    assert (tmp_path / "rules.nft").read_text() == "new\n"
    expected = {"kernel": hashlib.sha256((LISTED % "").encode()).hexdigest(), "text": "digest"}
    assert json.loads((tmp_path / "loaded.json").read_text()) == expected


def test_rules_that_were_undone_already_are_not_kept(tmp_path: Path) -> None:
    done = keep(tmp_path)
    assert done.returncode == 1
    assert "the former rules are back already" in done.stderr
    assert not (tmp_path / "rules.nft").exists()


@pytest.mark.parametrize(
    ("elements", "isolated"),
    [
        ("", []),
        (ISOLATED, [["10.0.0.0/24", "a-segment"], ["10.0.1.1-10.0.1.5", ""]]),
        ('\n\t\telements = { 10.0.0.1 comment "a-segment" }', [["10.0.0.1", "a-segment"]]),
    ],
    ids=["nothing", "a segment, and something by hand", "a single address"],
)
def test_what_is_isolated_is_no_part_of_the_rules(elements: str, isolated: list[list[str]]) -> None:
    apart = firewall.isolated_apart((LISTED % elements).encode(), "isolated")
    assert apart == ((LISTED % "").encode(), isolated)


def test_a_listing_without_the_set_is_taken_whole() -> None:
    assert firewall.isolated_apart(b"table inet hosting {\n}\n", "isolated") == (b"table inet hosting {\n}\n", [])


# -- interfaces -------------------------------------------------------------------------------------------------------


def listed(name: str, *addresses: str, flags: tuple[str, ...] = ("BROADCAST", "UP"), **more: Any) -> dict[str, Any]:
    """Give an interface as `ip -json -details address` lists it."""
    held = [
        {"local": address, "prefixlen": int(length)} for address, _, length in (a.partition("/") for a in addresses)
    ]
    return {"ifname": name, "flags": list(flags), "addr_info": held, **more}


def vlan(number: int, protocol: str = "802.1Q") -> dict[str, Any]:
    return {"link": "eth1", "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": protocol, "id": number}}}


CARD = {"form": "card", "parent": None, "vlan": None, "addresses": [], "up": True}
ON_TRUNK = {"form": "vlan", "parent": "eth1", "vlan": 110, "addresses": [], "up": True}


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        pytest.param(listed("eth1"), CARD, id="a card"),
        pytest.param(listed("eth1", linkinfo={"info_kind": "bond"}), CARD, id="several cards that are one"),
        pytest.param(
            listed("eth1", "10.0.0.1/24", "fe80::1/64"),
            {**CARD, "addresses": ["10.0.0.1/24", "fe80::1/64"]},
            id="with addresses of both families",
        ),
        pytest.param(listed("eth1", flags=("BROADCAST",)), {**CARD, "up": False}, id="that is down"),
        pytest.param(listed("eth1", flags=("NO-CARRIER", "UP")), CARD, id="without its cable, and up all the same"),
        pytest.param(listed("eth1.110", **vlan(110)), ON_TRUNK, id="a VLAN on it"),
        pytest.param(
            listed("eth1.110", **vlan(110, "802.1ad")),
            {**ON_TRUNK, "form": "vlan 802.1ad"},
            id="a VLAN of providers, whose frames nobody of ours would know",
        ),
        pytest.param(
            listed("other", link="eth1", linkinfo={"info_kind": "macvlan"}),
            {**ON_TRUNK, "form": "macvlan", "vlan": None},
            id="anything else that it carries",
        ),
        pytest.param(listed("eth2"), None, id="another card"),
        pytest.param(
            listed("eth2.5", link="eth2", linkinfo={"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 5}}),
            None,
            id="what another card carries",
        ),
    ],
)
def test_of_the_interfaces_trunks_are_told_and_what_they_carry(
    link: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    assert interfaces_held([link], ["eth1"]) == ({} if expected is None else {link["ifname"]: expected})


def test_without_trunks_and_files_of_ours_nobody_is_asked_for_interfaces(tmp_path: Path) -> None:
    (tmp_path / "10-other.network").touch()
    asked = {"trunks": [], "directory": str(tmp_path), "prefix": "05-hosting-"}
    assert answer(interfaces=asked)["interfaces"]["value"] == {"kernel": {}, "kept": []}
    for name in ("eth1.network", "eth1.110.netdev", "eth1.110.network"):
        (tmp_path / f"05-hosting-{name}").touch()
    assert answer(interfaces=asked)["interfaces"]["value"]["kept"] == ["eth1", "eth1.110"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(ON_TRUNK, False, id="the same"),
        pytest.param(
            {**ON_TRUNK, "addresses": ["10.0.0.1/24"], "up": False}, False, id="with another address, and down"
        ),
        pytest.param({**ON_TRUNK, "vlan": 111}, True, id="under another number"),
        pytest.param({**ON_TRUNK, "parent": "eth2"}, True, id="on another card"),
        pytest.param(None, False, id="that nobody speaks of"),
    ],
)
def test_an_interface_is_made_anew_only_if_it_would_be_another(wanted: dict[str, Any] | None, expected: bool) -> None:
    assert interfaces.is_another(ON_TRUNK, wanted) is expected


def test_what_was_there_before_can_be_made_again_from_what_the_kernel_said() -> None:
    former = {"eth1": {**CARD, "addresses": ["10.0.0.1/24"]}, "eth1.110": {**ON_TRUNK, "up": False}}
    assert interfaces.commands_of(former).splitlines() == [
        "address replace 10.0.0.1/24 dev eth1",
        "link set eth1 up",
        "link add link eth1 name eth1.110 type vlan id 110",
        "link set eth1.110 down",
    ]


TRIAL = """#!/bin/sh
echo "${0##*/} $*" >> "$LOG"
case "${0##*/} $*" in
    "systemctl is-active"*) [ -e "$RUNS" ];;
    "networkctl reload") [ ! -e "$LIST.new" ] || mv "$LIST.new" "$LIST";;
    "ip -json"*) cat "$LIST";;
esac
"""
"""Stands in for the tools; what the kernel lists changes when systemd-networkd reads its files."""


def on_trial(tmp_path: Path, **asked: Any) -> subprocess.CompletedProcess[str]:
    """Run the program with tools that pretend, in a folder of its own."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    script = TRIAL
    for name, place in (("$LOG", "log"), ("$RUNS", "runs"), ("$LIST", "list")):
        script = script.replace(name, str(tmp_path / place))
    for name in ("systemctl", "systemd-run", "networkctl", "ip"):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    request = {
        "timer": "restore.timer",
        "trial": {"directory": str(tmp_path / "run"), "prefix": "04-"},
        "trunks": ["eth1"],
        "wanted": {"eth1.110": ON_TRUNK},
        "shared": [],
        "pending": str(tmp_path / "pending"),
        **asked,
    }
    text = program("interfaces", request).replace('"PATH": "', f'"PATH": "{tools}:')
    text = text.replace('"/run/hosting/interfaces"', f'"{tmp_path}/state"').replace(
        "WITHIN_SECONDS = 60", "WITHIN_SECONDS = 1"
    )
    return subprocess.run(INTERPRETER, input=text, capture_output=True, text=True, check=False)


ATTEMPT = {"do": "try", "seconds": 60, "files": {"eth1.110.netdev": "new\n"}, "remove": [], "notifies": ["a.service"]}


def test_a_change_lies_where_a_reboot_does_not_find_it_and_is_undone_unless_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(json.dumps([listed("eth1"), listed("eth1.110", **vlan(111))]))
    (tmp_path / "list.new").write_text(json.dumps([listed("eth1"), listed("eth1.110", **vlan(110))]))
    done = on_trial(tmp_path, **ATTEMPT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/04-eth1.110.netdev").read_text() == "new\n"
    log = (tmp_path / "log").read_text().splitlines()
    (armed,) = (line for line in log if line.startswith("systemd-run"))
    assert armed.endswith(
        f"--unit=restore --on-active=60 --timer-property=AccuracySec=1s /bin/sh {tmp_path}/state/former.sh"
    )
    deleted = log.index("ip link delete dev eth1.110")
    assert log.index(armed) < deleted < log.index("networkctl reload")
    assert "name eth1.110 type vlan id 111" in (tmp_path / "state/former.batch").read_text()
    undone = (tmp_path / "state/former.sh").read_text().splitlines()
    assert (tmp_path / "pending/a.service").exists()
    assert undone[0] == f"rm -f {tmp_path}/run/04-*"
    assert undone[1:3] == ["ip link delete dev eth1.110", "networkctl reload"]


def test_what_the_kernel_does_not_come_to_show_has_failed_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(json.dumps([listed("eth1"), listed("eth1.110", "10.0.0.9/24", **vlan(110))]))
    done = on_trial(tmp_path, **ATTEMPT)
    assert done.returncode == 1
    assert done.stderr.strip() == "eth1.110 has addresses ['10.0.0.9/24'] where [] is asked for"


KEPT = {"do": "keep", "files": [{"path": "", "content": "new\n", "mode": "0644", "user": "root", "group": "root"}]}


@pytest.mark.parametrize("runs", [True, False], ids=["while the timer runs", "once it has undone them"])
def test_interfaces_are_kept_only_while_the_timer_runs_that_would_undo_them(tmp_path: Path, runs: bool) -> None:
    if runs:
        (tmp_path / "runs").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/04-eth1.110.netdev").touch()
    (tmp_path / "list").write_text(json.dumps([listed("eth1"), listed("eth1.110", **vlan(110))]))
    file = tmp_path / "etc/05-eth1.110.netdev"
    done = on_trial(tmp_path, **{**KEPT, "files": [{**KEPT["files"][0], "path": str(file)}]})
    assert (done.returncode == 0, file.exists(), (tmp_path / "run/04-eth1.110.netdev").exists()) == (
        runs,
        runs,
        not runs,
    )
    assert runs or "the former interfaces are back already" in done.stderr
