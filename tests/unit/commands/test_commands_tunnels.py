"""What an establishment is sent: a sheet in both languages that says the same, and the configuration beside it."""

import os
import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml
from fake_doors import World
from sample import GATEWAY, region
from test_commands_backup import printed
from tunnel_answers import answer, association
from with_pairs import SHARED, with_pair
from with_tunnels import SECOND, TUNNEL, with_tunnel

from deploys import flows, swanctl, tunnels
from hosting_cli.commands.tunnels import Action, tunnel
from hosting_cli.desired_links import DAY_SECONDS, PEER_CERTIFICATE_DAYS
from hosting_cli.errors import EngineError, RefusedError, UnreadableError, UsageError
from hosting_cli.keys.certificates import LinkAuthority
from hosting_cli.result import ExitStatus
from hosting_cli.tunnels import sheet
from hosting_cli.tunnels.sheet import Language
from inventory.models import Region
from inventory.tunnels import KeyExchange, TunnelKind

GOLDEN = Path(__file__).parent / "golden"
OUR_KEY = "Fj5DzGKoC2u6kSXE7O0hZkCkq0bcZ2hCk9lNw4cJ0Vg="


AUTHORITY = LinkAuthority("a1b2", "hosting-1", "key", "-----BEGIN CERTIFICATE-----\n", is_default=True)


class Authorities:
    """The vault's authorities of links, and how long it was asked to have their lists valid."""

    def __init__(self, *authorities: LinkAuthority) -> None:
        self.authorities = authorities
        self.asked: list[int] = []

    def read(self) -> tuple[LinkAuthority, ...]:
        return self.authorities

    def lasting_revocations(self, authority: LinkAuthority, *, seconds: int) -> str:
        self.asked.append(seconds)
        return f"-----BEGIN X509 CRL-----\nof {authority.id}"


def world_with(folder: Path, region: Region, *authorities: LinkAuthority) -> World:
    folder.mkdir(exist_ok=True)
    world = World(folder)
    world.session.__dict__["region"] = region
    world.vault.pki = Authorities(*authorities)  # type: ignore[attr-defined]
    return world


def link(region: Region) -> tunnels.Link:
    return tunnels.links(flows.topology(region), region)[0]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("kind", "name"), [(TunnelKind.IPSEC, "tunnel"), (TunnelKind.WIREGUARD, "tunnel-wireguard")])
def test_the_sheet_is_what_it_was_last(kind: TunnelKind, name: str, language: Language) -> None:
    content = sheet.render(link(with_tunnel(kind)), language, OUR_KEY)
    golden = GOLDEN / f"{name}.{language}.md"
    if os.environ.get("HOSTING_UPDATE_GOLDEN"):
        golden.write_text(content)
    assert content == golden.read_text()


@pytest.mark.parametrize("key_exchange", KeyExchange)
@pytest.mark.parametrize("gateways", [1, 2])
def test_both_languages_say_the_same(key_exchange: KeyExchange, gateways: int) -> None:
    found = link(with_tunnel(key_exchange=key_exchange, gateways=gateways))
    french, english = (sheet.render(found, language) for language in Language)

    assert [line[:1] in "#-`" for line in french.splitlines()] == [line[:1] in "#-`" for line in english.splitlines()]
    for value in (found.peer_identity, "198.51.100.10", "203.0.113.20", "10.21.10.0/24", "21600", "3600", "365"):
        assert french.count(value) == english.count(value) > 0, value
    assert ("ML-KEM" in french) is ("ML-KEM" in english) is (key_exchange is not KeyExchange.CLASSICAL)
    assert ("198.51.100.11" in french) is ("198.51.100.11" in english) is (gateways == 2)


@pytest.mark.parametrize("kind", TunnelKind)
def test_every_phrase_is_in_both_languages_with_the_same_values(kind: TunnelKind) -> None:
    def phrases(item: object) -> list[dict[str, str]]:
        if isinstance(item, dict):
            own = [item] if {"fr", "en"} & item.keys() else []
            return own + [found for value in item.values() for found in phrases(value)]
        return [found for value in item for found in phrases(value)] if isinstance(item, list) else []

    found = phrases(yaml.safe_load((Path(sheet.__file__).parent / sheet.FILES[kind]).read_text()))
    assert len(found) > 20
    for phrase in found:
        french, english = (sorted(re.findall(r"\{[a-z_]+\}", phrase[language])) for language in Language)
        assert french == english, phrase


def test_an_establishment_whose_addresses_another_has_translates_them_before_the_tunnel() -> None:
    region = with_tunnel()
    pool = IPv4Network("10.21.64.0/24")
    segments = tuple(
        segment.model_copy(update={"nat_pool": pool}) if segment.id == "tunnel-beaune" else segment
        for segment in region.segments
    )
    found = link(region.model_copy(update={"segments": segments}))
    assert pool in found.theirs and IPv4Network("172.20.21.0/24") not in found.theirs
    assert "Translate your internal addresses (172.20.21.0/24) to 10.21.64.0/24" in sheet.render(
        found, Language.ENGLISH
    )


def test_a_peer_is_written_what_it_is_told_and_what_it_believes_us_by_and_no_secret(tmp_path: Path) -> None:
    world = world_with(tmp_path / "world", with_tunnel(), AUTHORITY)
    into = tmp_path / "beaune"
    found = tunnel(world.session, Action.PEER, TUNNEL, into=into)

    written = {str(path.relative_to(into)): path.read_text() for path in into.rglob("*") if path.is_file()}
    assert written == found.data["files"]
    assert written.keys() == {
        "bfc-beaune.conf",
        "bfc-beaune.fr.md",
        "x509ca/hosting-a1b2.pem",
        "x509crl/hosting-a1b2.pem",
    }
    assert written["bfc-beaune.conf"] == swanctl.render(tunnels.of_peer(link(with_tunnel())))
    assert "fiche pour l'équipe du pare-feu" in written["bfc-beaune.fr.md"]
    assert written["x509crl/hosting-a1b2.pem"] == "-----BEGIN X509 CRL-----\nof a1b2\n"
    assert not re.search(r"PRIVATE|secrets|psk", "".join(written.values()))
    assert "was written" in printed(found)


def test_the_list_that_a_peer_is_sent_outlasts_the_certificate_that_it_comes_with(tmp_path: Path) -> None:
    world = world_with(tmp_path, with_tunnel(), AUTHORITY)
    tunnel(world.session, Action.PEER, TUNNEL)
    (seconds,) = world.vault.pki.asked  # type: ignore[attr-defined]
    assert seconds > PEER_CERTIFICATE_DAYS * DAY_SECONDS


def test_a_peer_is_sent_nothing_while_there_is_nobody_to_believe(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no authority of links"):
        tunnel(world_with(tmp_path / "world", with_tunnel()).session, Action.PEER, TUNNEL, into=tmp_path / "beaune")
    assert not (tmp_path / "beaune").exists()


def test_what_our_gateways_are_told_is_shown(tmp_path: Path) -> None:
    world = world_with(tmp_path, with_tunnel())
    found = tunnel(world.session, Action.SHOW, TUNNEL)
    assert list(found.data["gateways"]) == [GATEWAY]
    assert "revocation = strict" in printed(found)


def test_every_tunnel_is_asked_about_how_it_stands(tmp_path: Path) -> None:
    world = world_with(tmp_path, region())
    world.hosts.answers[GATEWAY] = answer(association())
    found = tunnel(world.session, Action.STATUS)
    assert found.status is ExitStatus.DONE
    assert found.data["tunnels"][0]["standing"] == "up"
    assert "IKE AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384 · ESP AES_GCM_16-256" in printed(found)


def test_a_tunnel_is_up_at_one_of_its_two_gateways(tmp_path: Path) -> None:
    world = world_with(tmp_path, with_tunnel(gateways=2))
    world.hosts.answers = {GATEWAY: answer(), SECOND: answer(association())}
    assert tunnel(world.session, Action.STATUS, TUNNEL).status is ExitStatus.DONE
    world.hosts.answers[SECOND] = answer()
    assert tunnel(world.session, Action.STATUS, TUNNEL).status is ExitStatus.PENDING
    del world.hosts.answers[GATEWAY]
    assert tunnel(world.session, Action.STATUS, TUNNEL).status is ExitStatus.UNKNOWN


def held(*segments: str) -> dict[str, object]:
    """Answer as a gateway of the pair whose kernel holds the addresses of *segments*."""
    at = {"dijon-administration": "eth1.100", "dijon-imagerie": "eth1.110"}
    return {"shared": {"value": [[at[segment], f"{SHARED[segment]}/24"] for segment in segments]}}


@pytest.mark.parametrize(
    ("first", "second", "status", "words"),
    [
        pytest.param([*SHARED], [], ExitStatus.DONE, ("in charge", "standing by"), id="one of them"),
        pytest.param([], [*SHARED], ExitStatus.DONE, ("standing by", "in charge"), id="the other one"),
        pytest.param([*SHARED], [*SHARED], ExitStatus.PENDING, ("in charge", "in charge"), id="both"),
        pytest.param([], [], ExitStatus.PENDING, ("standing by", "standing by"), id="neither"),
        pytest.param([*SHARED][:1], [*SHARED][1:], ExitStatus.PENDING, ("split", "split"), id="each a part"),
    ],
)
def test_of_a_pair_of_gateways_it_says_which_one_is_in_charge(
    tmp_path: Path, first: list[str], second: list[str], status: ExitStatus, words: tuple[str, str]
) -> None:
    world = world_with(tmp_path, with_pair())
    up = answer(association())
    world.hosts.answers = {GATEWAY: {**up, **held(*first)}, SECOND: {**answer(), **held(*second)}}
    found = tunnel(world.session, Action.STATUS)
    assert (found.status, tuple(each["charge"] for each in found.data["gateways"])) == (status, words)
    assert "Gateways that take each other's place" in printed(found)


def test_a_gateway_of_a_pair_that_does_not_tell_holds_nothing_that_anybody_knows(tmp_path: Path) -> None:
    world = world_with(tmp_path, with_pair())
    world.hosts.answers = {GATEWAY: {**answer(association()), **held(*SHARED)}, SECOND: answer()}
    found = tunnel(world.session, Action.STATUS)
    assert found.status is ExitStatus.UNKNOWN
    assert [each["charge"] for each in found.data["gateways"]] == ["in charge", "unknown"]


def test_weaker_terms_anywhere_are_not_in_order(tmp_path: Path) -> None:
    world = world_with(tmp_path, with_tunnel(gateways=2))
    weaker = association(**{"dh-group": "ECP_256"})
    world.hosts.answers = {GATEWAY: answer(association()), SECOND: answer(weaker)}
    found = tunnel(world.session, Action.STATUS)
    assert found.status is ExitStatus.PENDING
    assert "IKE by AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_256" in printed(found)


def test_what_is_shown_of_one_tunnel_needs_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"network tunnel show: needs a tunnel\. There is: beaune"):
        tunnel(world_with(tmp_path, region()).session, Action.SHOW)


def test_a_tunnel_that_is_none_or_carries_nothing_is_refused(tmp_path: Path) -> None:
    region = with_tunnel()
    idle = region.model_copy(
        update={"applications": tuple(item.model_copy(update={"flows": ()}) for item in region.applications)}
    )
    with pytest.raises(UsageError, match="There is: beaune"):
        tunnel(world_with(tmp_path / "1", region).session, Action.PEER, "baune")
    with pytest.raises(RefusedError, match="no flow leads through it"):
        tunnel(world_with(tmp_path / "2", idle).session, Action.PEER, TUNNEL)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        world = world_with(tmp_path / "world", with_tunnel(), AUTHORITY)
        tunnel(world.session, Action.PEER, TUNNEL, into=tmp_path / "file")


# -- WireGuard --------------------------------------------------------------------------------------------------------


def world_with_wireguard(folder: Path, key: str | None) -> World:
    """Give a world whose gateway holds the interface with that key, or none of either."""
    world = world_with(folder, with_tunnel(TunnelKind.WIREGUARD))
    held = {
        "public_key": key,
        "port": 51820,
        "peers": {},
        "up": True,
        "alias": "",
        "addresses": [],
        "routes": [],
    }
    parts = {
        "wireguard": {} if key is None else {"wg1": held},
        "interfaces": {"kernel": {}, "kept": []},
        "manifest": None,
        "identities": {},
    }
    world.hosts.answers[GATEWAY] = {name: {"value": value} for name, value in parts.items()}
    return world


def test_what_follows_no_note_says_so_wherever_it_is_shown_and_until_when(tmp_path: Path) -> None:
    world = world_with_wireguard(tmp_path, OUR_KEY)
    shown = tunnel(world.session, Action.SHOW, TUNNEL)
    assert "does not follow ANSSI's note" in printed(shown) and "until 2027-03-31" in printed(shown)
    assert (shown.data["follows_anssi_note"], shown.data["accepted_by"]) == (False, "securite")

    for language, words in ((Language.FRENCH, "ne suit pas la note"), (Language.ENGLISH, "does not follow")):
        files = tunnel(world.session, Action.PEER, TUNNEL, lang=language).data["files"]
        content = files[f"bfc-beaune.{language}.md"]
        assert words in content and "2027-03-31" in content and "Responsable de la sécurité" in content
        assert "conforme" not in content and content.count("DAT-NT-003") == 1
        assert "does not follow ANSSI's note" in files["wg-beaune.conf"]


def test_the_peer_of_wireguard_is_told_the_key_that_the_gateway_publishes_and_no_secret(tmp_path: Path) -> None:
    world = world_with_wireguard(tmp_path / "world", OUR_KEY)
    tunnel(world.session, Action.PEER, TUNNEL, into=tmp_path / "beaune")
    sheet_text, configuration = (
        (tmp_path / "beaune" / name).read_text() for name in ("bfc-beaune.fr.md", "wg-beaune.conf")
    )
    assert OUR_KEY in sheet_text and f"PublicKey = {OUR_KEY}" in configuration
    assert "PrivateKey" not in configuration and "PresharedKey" not in configuration


@pytest.mark.parametrize(
    ("key", "error", "complaint"),
    [
        pytest.param(None, RefusedError, "has no interface for it yet", id="before the gateway was converged"),
        pytest.param("(none)", EngineError, "holds no key", id="of an interface that lost its key"),
    ],
)
def test_no_part_is_written_without_the_key_of_the_gateway(
    tmp_path: Path, key: str | None, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        tunnel(world_with_wireguard(tmp_path / "world", key).session, Action.PEER, TUNNEL, into=tmp_path / "beaune")
    assert not (tmp_path / "beaune").exists()


def test_a_gateway_that_cannot_be_read_has_no_key_for_anybody(tmp_path: Path) -> None:
    world = world_with_wireguard(tmp_path, OUR_KEY)
    world.hosts.answers[GATEWAY] = {"wireguard": {"unknown": "wg failed (1)"}, "manifest": {"value": None}}
    with pytest.raises(UnreadableError, match="wg failed"):
        tunnel(world.session, Action.PEER, TUNNEL)
