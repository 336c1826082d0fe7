"""A gateway's certificate replaced on real engines: who is in a tunnel stays in it, whatever is killed on the way."""

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from agent_here import run_agent
from cryptography import x509
from dying import VAULT, Killed, Ways, after_change, dying_after, is_any
from links_lab import Renew
from tunnels_lab import GATEWAY, TUNNEL, Ends

from deploys import names, tunnels
from deploys.agent import link as agent_link
from deploys.programs.parts.tunnels import vici_message
from deploys.tunnels import Link
from hosting_cli.console import Progress
from hosting_cli.doors.hosts import Completed
from hosting_cli.doors.openbao import OpenBao
from hosting_cli.errors import EngineError
from hosting_cli.keys.certificates import is_issued_by, is_revoked, serial
from hosting_cli.procedure import State, Step, carry_out, is_complete
from hosting_cli.rotations.link_certificate import Rotation
from hosting_cli.session import DoorMaker, Session
from hosting_cli.tunnels import keys, trust
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.models import Region
from inventory.resource import Json


class GatewayShell:
    """A shell on the gateway, whose agent runs in this process, where it can be known what it had come to."""

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout_seconds: float = 60, on_line: object = None
    ) -> Completed:
        return run_agent(argv[argv.index(names.AGENT) + 1 :], stdin)


class Gateway:
    """The one host, which is asked by the program that reads hosts."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends

    @contextmanager
    def shell(self, host: str) -> Iterator[GatewayShell]:
        assert host == GATEWAY
        yield GatewayShell()

    def read(self, requests: Mapping[str, Json]) -> dict[str, Any]:
        assert set(requests) == {GATEWAY}
        return {GATEWAY: self.ends.ours.told_of_itself()}


@pytest.fixture
def session(joined: Region, vault: OpenBao, ends: Ends, joined_agent: Renew) -> Session:
    """Give a session on the region with a tunnel, whose gateway was certified by its agent."""
    found = Session(None, None, None, cast("DoorMaker", None), Progress(quiet=True), lambda: datetime.now(UTC))
    vars(found).update(region=joined, vault=vault, hosts=Gateway(ends))
    return found


def _is_of_ours(path: Path, *_: object) -> bool:
    return path.name.startswith(("next-hosting-link", agent_link.OURS))


AGENT = (
    Ways(agent_link, "write_secret", is_any),
    Ways(agent_link, "write", is_any),
    Ways(agent_link, "run", lambda argv, *_: argv[0] == "systemctl"),
    Ways(Path, "replace", _is_of_ours),
    Ways(Path, "unlink", _is_of_ours),
)
"""By what the agent changes anything: a file of a key or a certificate, and what the daemon has loaded."""


def carried(steps: Iterable[Step]) -> list[State]:
    outcomes = carry_out(list(steps), digest="0" * 64, record=lambda kind, data: None, tell=lambda line: None)
    assert is_complete(outcomes), outcomes
    return [outcome.state for outcome in outcomes]


def rotate(session: Session, replaces: str) -> list[State]:
    return carried(Rotation(session, GATEWAY, replaces).steps())


def shown(session: Session) -> str:
    """Give the serial number of what the gateway shows its peers."""
    found = Rotation(session, GATEWAY, "").told().present
    assert found is not None
    return found


def association(ends: Ends) -> str:
    """Name the one association that stands at our end; another one would have another number."""
    (found,) = ends.ours.told_of_itself()["tunnels"]["value"]["daemon"]["associations"]
    number: str = found[TUNNEL]["uniqueid"]
    return number


def keys_in_memory(ends: Ends) -> list[str]:
    """Have the daemon at our end name the private keys that it holds, wherever their files are by now."""
    command, length = b"get-keys", 10
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(f"{ends.ours.folder}/vici")
        daemon.sendall(struct.pack(">IBB", length, 0, len(command)) + command)
        answer = daemon.recv(1 << 16)
    found: list[str] = vici_message(answer[5:])["keys"]
    return found


def believed(session: Session, link: Link) -> list[str]:
    """List the certificates of the gateway that nobody revoked."""
    identity = link.gateway_identity(GATEWAY)
    return [
        serial(item.x509) for item in session.vault.pki.issued() if item.identity == identity and not item.is_revoked
    ]


def deaths_of(step: Step) -> Iterator[int]:
    """Take *step* until it is done: killed after its first change, then after its second; yield at each death."""
    for changes in count(1):
        try:
            with dying_after(changes, VAULT, *AGENT):
                carried([step])
        except Killed:
            yield changes
        else:
            return


def test_killed_after_each_change_who_is_in_the_tunnel_stays_in_it_and_it_can_be_negotiated_anew(
    session: Session, ends: Ends, link: Link
) -> None:
    assert ends.initiate().returncode == 0
    before, number = shown(session), association(ends)
    for step in Rotation(session, GATEWAY, before).steps():
        died = []
        for changes in deaths_of(step):
            assert association(ends) == number
            ends.terminate()
            assert ends.initiate().returncode == 0, ends.ours.log[-3000:]
            number = association(ends)
            died.append(changes)
        assert died, f"{step.sentence}: it was killed, and gone on with"
    assert rotate(session, before) == [State.IN_ORDER, State.DONE] * 2 + [State.IN_ORDER] * 2
    assert (association(ends), ends.is_reached()) == (number, True)
    after = shown(session)
    assert (after != before, believed(session, link)) == (True, [after])
    assert len([*(ends.ours.folder / "swanctl" / "private").iterdir()]) == 1


def test_killed_once_the_former_key_has_no_file_the_next_run_has_the_daemon_forget_it_too(
    session: Session, ends: Ends
) -> None:
    *earlier, forget, _ = Rotation(session, GATEWAY, shown(session)).steps()
    carried(earlier)
    with pytest.raises(Killed), dying_after(1, *AGENT):
        carried([forget])
    assert len([*(ends.ours.folder / "swanctl" / "private").iterdir()]) == 1
    assert len(keys_in_memory(ends)) == 2
    assert carried([forget]) == [State.DONE]
    assert len(keys_in_memory(ends)) == 1


def test_peers_with_the_new_list_believe_the_new_certificate_and_the_former_no_more(
    session: Session, ends: Ends, link: Link
) -> None:
    folder = ends.ours.folder / "swanctl"
    former = {
        path: path.read_text() for path in (folder / "x509" / tunnels.CERTIFICATE, *(folder / "private").iterdir())
    }
    before = shown(session)
    rotate(session, before)
    for name, content in trust.files(session).items():
        kind, _, file = name.partition("/")
        ends.theirs.holds(kind, file, content)
    ends.theirs.load()
    assert ends.initiate().returncode == 0, ends.theirs.log[-3000:]
    ends.terminate()
    for path, content in former.items():
        path.write_text(content)
    ends.ours.load()
    assert ends.initiate().returncode != 0
    assert "certificate was revoked" in ends.theirs.log
    leaf = x509.load_pem_x509_certificate(former[folder / "x509" / tunnels.CERTIFICATE].encode())
    (issuer,) = (authority for authority in session.vault.pki.read() if is_issued_by(leaf, authority))
    assert is_revoked(session.vault.pki.revocations(issuer), issuer, before, datetime.now(UTC))


def test_a_certificate_that_the_daemon_does_not_load_with_its_key_is_shown_to_nobody(
    session: Session, ends: Ends
) -> None:
    before = shown(session)

    def lose_the_key() -> None:
        for path in (ends.ours.folder / "swanctl" / "private").iterdir():
            if path not in kept:
                path.write_text("no key any more")

    kept = [*(ends.ours.folder / "swanctl" / "private").iterdir()]
    steps = list(Rotation(session, GATEWAY, before).steps())
    with after_change(2, lose_the_key, *AGENT):
        outcomes = carry_out(steps, digest="0" * 64, record=lambda kind, data: None, tell=lambda line: None)
    assert [outcome.state for outcome in outcomes][:3] == [State.DONE, State.FAILED, State.NOT_BEGUN]
    assert isinstance(outcomes[1].error, EngineError)
    assert shown(session) == before


def test_a_renewal_on_the_way_is_taken_for_the_next_certificate_and_the_rest_is_done(
    session: Session, joined_agent: Renew, link: Link
) -> None:
    before = shown(session)
    steps = list(Rotation(session, GATEWAY, before).steps())
    carry_out(steps[:1], digest="0" * 64, record=lambda kind, data: None, tell=lambda line: None)
    following = Rotation(session, GATEWAY, before).told().following
    assert joined_agent(31)["renewed"]
    renewed = shown(session)
    assert renewed not in {before, following}, "one for 30 days does not do for 31"
    joined_agent()
    assert rotate(session, before)[:3] == [State.IN_ORDER, State.DONE, State.IN_ORDER]
    assert (shown(session), believed(session, link)) == (renewed, [renewed])


def test_a_gateway_and_the_vault_tell_of_certificates_until_when_they_are_valid(session: Session) -> None:
    found = {key.name: key for key in (*keys.of_gateways(session).keys, *keys.of_peers(session).keys)}
    ours, theirs = found[naming.gateway_role(GATEWAY)], found[naming.peer_role(TUNNEL)]
    assert (ours.kind, theirs.kind) == (KeyKind.LINK_CERTIFICATE, KeyKind.PEER_CERTIFICATE)
    assert [(key.expires_at - key.made_at).days for key in (ours, theirs) if key.expires_at and key.made_at] == [
        30,
        365,
    ]
    assert ours.rotated_at == ours.made_at, "it was certified before"
    assert theirs.owner == "beaune-dsi"
