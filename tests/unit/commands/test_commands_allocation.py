"""Addresses are proposed as a change of the file, and written when somebody says so."""

import shutil
from pathlib import Path

import pytest
from fake_doors import World
from sample import FOLDER
from test_commands_backup import printed

from hosting_cli import region_files
from hosting_cli.allocating import propose
from hosting_cli.commands.allocation import allocate, retire
from hosting_cli.errors import HostingError, InvalidFilesError, RefusedError, UsageError
from hosting_cli.result import ExitStatus
from hosting_cli.session import Session

ANNUAIRE = """\
id: annuaire
name: Annuaire
profile: imaging-exchange
environment: training
data_class: D3
continuity: C4
tiers: [{id: app, segment: annuaire-app, hosts: [besancon-app-1]}]
"""


@pytest.fixture
def session(tmp_path: Path) -> Session:
    shutil.copytree(FOLDER, tmp_path / "region")
    found = World(tmp_path).session
    found.region_folder = tmp_path / "region"
    return found


def sheet(session: Session) -> Path:
    return session.folder / "network.yaml"


def ask(session: Session) -> None:
    """Have an application ask for a segment that there is not."""
    (session.folder / "applications/annuaire.yaml").write_text(ANNUAIRE)


def test_nothing_is_proposed_when_everybody_has_addresses(session: Session) -> None:
    found = allocate(session)
    assert (found.status, found.data) == (
        ExitStatus.DONE,
        {"segments": [], "pools": [], "vlans": [], "gateways": [], "written": False},
    )
    assert "nothing to allocate" in printed(found)


def test_a_change_is_shown_and_nothing_is_written(session: Session) -> None:
    ask(session)
    before = sheet(session).read_bytes()
    found = allocate(session, site="besancon")
    assert found.status is ExitStatus.PENDING
    assert "+  - id: annuaire-app" in printed(found)
    assert "hosting network allocate --write" in printed(found)
    assert [item["id"] for item in found.data["segments"]] == [
        "besancon-administration",
        "besancon-backup",
        "besancon-monitoring",
        "annuaire-app",
    ]
    assert sheet(session).read_bytes() == before


def test_what_is_written_is_asked_for_no_more(session: Session) -> None:
    ask(session)
    sheet(session).chmod(0o640)
    before = sheet(session).read_text()
    found = allocate(session, site="besancon", write=True)
    assert (found.status, found.data["written"]) == (ExitStatus.DONE, True)
    assert sheet(session).read_text().startswith(before)
    assert sheet(session).stat().st_mode & 0o777 == 0o640
    again = allocate(session, site="besancon", write=True)
    assert (again.data["segments"], again.data["written"]) == ([], False)
    assert [path.name for path in session.folder.iterdir() if path.name.startswith(".")] == []


def test_a_tier_without_hosts_is_placed_by_whoever_asks(session: Session) -> None:
    ask(session)
    with pytest.raises(UsageError, match=r"tier app of annuaire: has hosts that are in no file yet.*--site SITE"):
        allocate(session)
    with pytest.raises(UsageError, match=r"site lyon: is not in the region. Choose one of: besancon, dijon"):
        allocate(session, site="lyon")


def edited(session: Session, old: str, new: str) -> None:
    text = sheet(session).read_text()
    assert text.count(old) == 1
    sheet(session).write_text(text.replace(old, new))


def test_a_plan_that_is_not_in_order_is_not_added_to(session: Session) -> None:
    ask(session)
    edited(session, "network: 10.21.20.0/24", "network: 10.21.10.0/24")
    with pytest.raises(InvalidFilesError) as caught:
        allocate(session, site="besancon")
    assert [problem.what for problem in caught.value.problems] == [
        "10.21.10.0/24 overlaps 10.21.10.0/24 of dijon-imagerie"
    ]


def test_a_file_that_cannot_be_read_might_ask_for_anything(session: Session) -> None:
    (session.folder / "applications/annuaire.yaml").write_text("id: annuaire\n")
    with pytest.raises(InvalidFilesError):
        allocate(session)


def test_addresses_run_out(session: Session) -> None:
    ask(session)
    edited(session, "network: 10.21.128.0/18", "network: 10.21.128.0/23")
    with pytest.raises(HostingError, match=r"besancon has no room left for the platform. Add a supernet"):
        allocate(session, site="besancon")


def test_a_list_in_brackets_is_left_to_its_author(session: Session) -> None:
    ask(session)
    plan = (
        "[10.21.0.0/16]\nsupernets: [{site: dijon, network: 10.21.0.0/17}, {site: besancon, network: 10.21.128.0/17}]"
    )
    sheet(session).write_text(f"address_space: {plan}\nsegments: []\n")
    with pytest.raises(HostingError, match=r"segments on line 3 stands in brackets. Write each segment after a hyphen"):
        allocate(session, site="besancon")


def test_a_file_that_somebody_changes_meanwhile_is_not_overwritten(session: Session) -> None:
    ask(session)
    proposal = propose(session.folder, "besancon")
    sheet(session).write_text(proposal.change.before + "# changed\n")
    with pytest.raises(RefusedError, match="somebody has just changed it"):
        proposal.change.write()
    assert sheet(session).read_text().endswith("# changed\n")


def test_a_file_is_replaced_whole_or_not_at_all(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sheet(session).read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(region_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        region_files.replace(sheet(session), before, b"half")
    assert sheet(session).read_bytes() == before
    assert [path.name for path in session.folder.iterdir() if path.name.startswith(".")] == []


def test_a_link_stays_one(session: Session) -> None:
    target = session.folder / "plan.txt"
    sheet(session).rename(target)
    sheet(session).symlink_to(target)
    ask(session)
    allocate(session, site="besancon", write=True)
    assert sheet(session).is_symlink()
    assert "annuaire-app" in target.read_text()


# -- retirement ---------------------------------------------------------------------------------------------------

OLD = """\
  # The files of the archive, until they moved.
  - id: dijon-dossiers
    site: dijon
    kind: tunnel
    network: 10.21.30.0/24
    nat_pool: 10.21.64.0/24
"""


def test_a_segment_that_nobody_needs_goes_and_its_addresses_are_kept(session: Session) -> None:
    before = sheet(session).read_text()
    sheet(session).write_text(before + OLD)
    shown = retire(session, "dijon-dossiers")
    assert (shown.status, shown.data["written"]) == (ExitStatus.PENDING, False)
    assert "-    nat_pool: 10.21.64.0/24" in printed(shown)
    assert "hosting network retire dijon-dossiers --write" in printed(shown)
    assert sheet(session).read_text() == before + OLD

    found = retire(session, "dijon-dossiers", write=True)
    assert (found.command, found.status) == ("network retire", ExitStatus.DONE)
    since = session.today.isoformat()
    assert sheet(session).read_text() == before + (
        f"retired:\n  - id: dijon-dossiers\n    network: 10.21.30.0/24\n    since: {since}\n"
        f"  - id: dijon-dossiers\n    network: 10.21.64.0/24\n    since: {since}\n"
    )


def test_the_next_one_that_goes_stands_below_the_first(session: Session) -> None:
    before = sheet(session).read_text()
    sheet(session).write_text(
        before + OLD + "retired: # nobody's\n  - {id: a, network: 10.21.3.0/24, since: 2026-10-01}\n"
    )
    retire(session, "dijon-dossiers", write=True)
    retire(session, "dijon-backup", write=True)
    since = session.today.isoformat()
    text = sheet(session).read_text()
    assert text.startswith(
        before[: before.index("  - id: dijon-backup")] + before[before.index("  - id: dijon-monitoring") :]
    )
    assert text.endswith(f"  - id: dijon-backup\n    network: 10.21.1.0/24\n    vlan: 101\n    since: {since}\n")
    assert (
        "retired: # nobody's\n  - {id: a, network: 10.21.3.0/24, since: 2026-10-01}\n  - id: dijon-dossiers\n" in text
    )


@pytest.mark.parametrize(
    ("segment", "needed_by"),
    [
        pytest.param(
            "tunnel-beaune",
            "interface ipsec1 of host dijon-gateway-1, tunnel beaune, group lecteurs-imagerie, "
            "flow 1 of imagerie-beaune",
            id="a tunnel",
        ),
        pytest.param(
            "dijon-imagerie",
            "interface eth1 of host dijon-app-1, interface eth1.110 of host dijon-gateway-1, "
            "tier app of imagerie-beaune",
            id="the segment of a tier",
        ),
    ],
)
def test_a_segment_that_is_needed_stays(session: Session, segment: str, needed_by: str) -> None:
    with pytest.raises(RefusedError, match=f"segment {segment}: is still needed by {needed_by}. Take it out of there"):
        retire(session, segment, write=True)


TUNNEL = """\
tunnels:
  - id: dossiers
    segment: dijon-dossiers
    gateways: [{host: dijon-gateway-1, address: 198.51.100.10}]
    peer: {addresses: [203.0.113.20], contact: beaune-dsi}
"""


def test_a_segment_that_a_tunnel_ends_in_stays(session: Session) -> None:
    text = sheet(session).read_text().replace("tunnels:\n", TUNNEL)
    sheet(session).write_text(text + OLD)
    with pytest.raises(RefusedError, match="segment dijon-dossiers: is still needed by tunnel dossiers"):
        retire(session, "dijon-dossiers")


def test_a_segment_that_there_is_not_cannot_go(session: Session) -> None:
    with pytest.raises(UsageError, match=r"segment nowhere: is not in the region. Choose one of: dijon-administration"):
        retire(session, "nowhere")
