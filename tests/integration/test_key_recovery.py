"""Shares of recovery passphrases, on a real terminal and a real vault; and shares that a real vault has made."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations

import pytest
from engines_lab import Engines
from lab_commands import at_a_terminal, command, run, session_of, without_machines

from hosting_cli.keys import shamir
from hosting_cli.lab import processes
from hosting_cli.lab.laboratory import Lab
from hosting_cli.lab.openbao import OpenBaoServer
from hosting_cli.lab.processes import Process
from hosting_cli.resources import SecretEntry, SecretPurpose, TransitKey
from inventory import naming

APPLICATION = "imagerie-beaune"
KEY = naming.transit_key(APPLICATION, "volumes")
NAME = naming.volume_secret(APPLICATION, "dijon-app-1", "data", "recovery")
ENTRY = SecretEntry(name=NAME, owner=APPLICATION, purpose=SecretPurpose.LUKS_RECOVERY, wrapped_by=KEY)
WRITTEN = re.compile(r"^ {4}([A-Z2-7-]{60,})\r?$", re.MULTILINE)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Give a lab whose vault keeps one recovery passphrase."""
    with without_machines(tmp_path_factory.mktemp("recovery")) as found:
        vault = session_of(found).vault
        vault.write(TransitKey(name=KEY, owner=APPLICATION))
        vault.make_secret(ENTRY)
        yield found


@pytest.fixture(scope="module")
def shown(lab: Lab) -> str:
    """Hand shares out at a terminal, 3 of 5."""
    status, shown = at_a_terminal(command(lab, "key", "recovery", "create", NAME))
    assert status == 0, shown
    return shown


def try_shares(lab: Lab, lines: list[str]) -> tuple[int, str]:
    arguments = command(lab, "key", "recovery", "test", NAME)
    done = subprocess.run(arguments, input="\n".join(lines), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_each_share_is_shown_once_and_wiped(shown: str) -> None:
    found = WRITTEN.findall(shown)
    assert len(found) == len(set(found)) == 5
    assert shown.count("\x1b[2J\x1b[3J") == 5
    for share in found:
        assert shown.index(share) < shown.index("\x1b[2J", shown.index(share))


def test_no_share_is_stored_or_printed(lab: Lab, shown: str) -> None:
    printed = shown[shown.rindex("\x1b[3J") :]
    files = [path.read_bytes() for path in lab.directory.rglob("*") if path.is_file()]
    for share in WRITTEN.findall(shown):
        assert share not in printed
        for spelt in (share.encode(), share.replace("-", "").encode()):
            assert not any(spelt in content for content in files)


def test_any_three_shares_prove_themselves_and_the_journal_has_it(lab: Lab, shown: str) -> None:
    found = WRITTEN.findall(shown)
    status, printed = try_shares(lab, [found[4], found[1], found[2]])
    assert (status, json.loads(printed)["data"]["verdict"]) == (0, "held")
    assert session_of(lab).vault.reveal_secret(ENTRY).reveal() not in printed
    entries = session_of(lab).journal.entries()
    assert [entry.kind for entry in entries[-3:]] == ["recovery-shares", "recovery-shares", "proof"]
    assert entries[-1].data["observed"] == {"set": entries[-2].data["set"], "shares": [5, 2, 3]}


def test_three_holders_get_the_passphrase_without_a_vault_on_the_terminal_alone(lab: Lab, shown: str) -> None:
    passphrase = session_of(lab).vault.reveal_secret(ENTRY).reveal()
    arguments = [sys.executable, "-m", "hosting_cli", "key", "recovery", "join", NAME]
    typed = "".join(f"{share}\n" for share in WRITTEN.findall(shown)[:3]) + "\n"
    status, told = at_a_terminal(arguments, typed=typed)
    assert status == 0, told
    assert told.count(passphrase) == 1
    assert told.index(passphrase) < told.index("\x1b[2J\x1b[3J")
    assert not any(share in told for share in WRITTEN.findall(shown))  # what is typed is not shown


def test_too_few_shares_prove_nothing(lab: Lab, shown: str) -> None:
    status, printed = try_shares(lab, WRITTEN.findall(shown)[:2])
    assert (status, "too few" in printed) == (2, True)


def test_shares_of_another_passphrase_are_told_apart(lab: Lab, shown: str) -> None:
    vault = session_of(lab).vault
    before = vault.reveal_secret(ENTRY)
    vault.replace_secret(ENTRY, vault.new_value(ENTRY), note={})
    status, printed = try_shares(lab, WRITTEN.findall(shown)[:3])
    assert (status, json.loads(printed)["data"]["verdict"]) == (3, "broken")
    vault.replace_secret(ENTRY, before, note={})


def test_without_a_terminal_nothing_is_shown(lab: Lab) -> None:
    arguments = command(lab, "key", "recovery", "create", NAME)
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, start_new_session=True)
    assert (done.returncode, "there is no terminal" in done.stdout) == (1, True)
    assert WRITTEN.findall(done.stdout + done.stderr) == []


def test_only_recovery_passphrases_are_shared(lab: Lab) -> None:
    status, refused = run(lab, "key", "recovery", "create", KEY)
    assert (status, "is of kind transit-key" in str(refused["errors"])) == (2, True)


def test_shares_that_a_real_vault_made_are_joined_alike(engines: Engines) -> None:
    """Its unseal keys are shares by the same rules: whichever two are joined, the same key must come out."""
    directory = engines.directory / "shared"
    port, cluster_port = processes.free_ports(2)
    server = OpenBaoServer(directory, directory / "unseal.json", engines.vault.certificates, port, cluster_port)
    running: list[Process] = []
    process = server.start(record=running.append)
    try:
        body = {"secret_shares": 3, "secret_threshold": 2}
        made = [
            base64.b64decode(key) for key in server._request("POST", "sys/init", dict(body), token=None)["keys_base64"]
        ]
        shares = {key[-1]: key[:-1] for key in made}
        joined = {shamir.join({x: shares[x] for x in pair}) for pair in combinations(shares, 2)}
        assert len(joined) == 1
        assert len(joined.pop()) == 32
    finally:
        processes.stop(process)
