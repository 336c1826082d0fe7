"""The data sheet of a tunnel for an establishment's firewall team, in French or English from the same values.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from deploys import swanctl, wireguard
from deploys.tunnels import Link
from hosting_cli.desired_links import GATEWAY_CERTIFICATE_DAYS, PEER_CERTIFICATE_DAYS, PEER_LIST_DAYS
from inventory.tunnels import KeyExchange, TunnelKind

Facts: TypeAlias = Mapping[str, str | Sequence[Mapping[str, str]]]


class Language(StrEnum):
    """In which language a document is."""

    FRENCH = "fr"
    ENGLISH = "en"


FILES = {TunnelKind.IPSEC: "sheet.yaml", TunnelKind.WIREGUARD: "wireguard.yaml"}
"""The words of each kind, so that nothing that is said of one is ever said of the other."""


@cache
def _words(kind: TunnelKind) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load((Path(__file__).parent / FILES[kind]).read_text(encoding="utf-8"))
    return words


def configuration_name(link: Link) -> str:
    """Name the file that sets a firewall with strongSwan or `wg-quick` up."""
    if link.tunnel.kind is TunnelKind.WIREGUARD:
        return f"{wireguard.peer_interface(link)}.conf"
    return f"{link.region.short}-{link.tunnel.id}.conf"


def sheet_name(link: Link, language: Language) -> str:
    """Name the file of the data sheet."""
    return f"{link.region.short}-{link.tunnel.id}.{language}.md"


def render(link: Link, language: Language, gateway_key: str | None = None) -> str:
    """Write the sheet of *link* in Markdown, which reads as it is; of WireGuard, with the public key of our gateway."""
    words, facts = _words(link.tunnel.kind), {**_facts(link), **_terms(link, language, gateway_key)}
    parts = [f"# {_said(words['title'], language, facts)}", _said(words["introduction"], language, facts)]
    for section in words["sections"]:
        if _is_there(section, facts):
            parts.append(f"## {_said(section['heading'], language, facts)}")
            parts += _body(section, language, facts)
    return "\n\n".join(parts) + "\n"


def _body(section: Mapping[str, Any], language: Language, facts: Facts) -> Iterator[str]:
    lines = [
        line for item in section.get("lines", ()) if _is_there(item, facts) for line in _lines(item, language, facts)
    ]
    if lines:
        yield "\n".join(f"- {line}" for line in lines)
    if "text" in section:
        yield _said(section["text"], language, facts)
    if "code" in section:
        yield "```sh\n" + section["code"].format(**facts) + "```"


def _is_there(item: Mapping[str, Any], facts: Facts) -> bool:
    return "only" not in item or bool(facts[item["only"]])


def _lines(item: Mapping[str, str], language: Language, facts: Facts) -> Iterator[str]:
    several = facts[item["each"]] if "each" in item else [facts]
    for one in several:
        assert isinstance(one, Mapping)  # noqa: S101 what `each` names is a list of values
        yield _said(item, language, one)


def _said(item: Mapping[str, str], language: Language, facts: Facts) -> str:
    return item[language].format(**facts)


def _facts(link: Link) -> Facts:
    """Give what is said of every tunnel."""
    tunnel, region = link.tunnel, link.region
    segment = next(item for item in region.segments if item.id == tunnel.segment)
    establishment = next(
        item for member in region.members for item in member.establishments if item.finess == segment.establishment
    )
    return {
        "tunnel": tunnel.id,
        "operator": region.operator.name,
        "establishment": establishment.name,
        "finess": establishment.finess,
        "configuration": configuration_name(link),
        "peer_addresses": ", ".join(map(str, tunnel.peer.addresses)),
        "gateways": [
            {"number": str(number), "address": str(end.address), "identity": link.gateway_identity(end.host)}
            for number, end in enumerate(tunnel.gateways, start=1)
        ],
        "ours": ", ".join(map(str, link.ours)),
        "theirs": ", ".join(map(str, link.theirs)),
        "internal": ", ".join(map(str, segment.internal_ranges)),
        "nat_pool": str(segment.nat_pool or ""),
        "contacts": [
            {"role": contact.role, "email": contact.email, "telephone": contact.telephone}
            for contact in region.contacts
        ],
    }


def _terms(link: Link, language: Language, gateway_key: str | None) -> Facts:
    """Give what is said of the kind of tunnel."""
    if link.tunnel.kind is TunnelKind.IPSEC:
        return _ipsec_terms(link, language)
    return _wireguard_terms(link, gateway_key or "")


def _ipsec_terms(link: Link, language: Language) -> Facts:
    terms = link.tunnel.ipsec_terms
    hybrid = terms.key_exchange is not KeyExchange.CLASSICAL
    return {
        "peer_identity": link.peer_identity,
        "second": "yes" if len(link.tunnel.gateways) > 1 else "",
        "hybrid": _words(TunnelKind.IPSEC)["hybrid"][terms.key_exchange.value][language] if hybrid else "",
        "ike_seconds": str(terms.ike_rekey_seconds),
        "child_seconds": str(terms.child_rekey_seconds),
        "dead_peer_seconds": str(swanctl.DEAD_PEER_SECONDS),
        "certificate_days": str(PEER_CERTIFICATE_DAYS),
        "list_days": str(PEER_LIST_DAYS),
        "gateway_days": str(GATEWAY_CERTIFICATE_DAYS),
    }


def _wireguard_terms(link: Link, gateway_key: str) -> Facts:
    terms = wireguard.terms_of(link)
    risk = terms.accepted_risk
    return {
        "since": str(risk.since),
        "until": str(risk.until),
        "accepted_by": next(item.role for item in link.region.contacts if item.id == risk.accepted_by),
        "reason": risk.reason,
        "compensation": risk.compensation,
        "port": str(terms.port),
        "peer_key": terms.peer_public_key,
        "gateway_key": gateway_key,
        "peer_interface": wireguard.peer_interface(link),
    }
