"""The data sheet of a tunnel for an establishment's firewall team, in French or English from the same values.  Pure."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from deploys import swanctl
from deploys.tunnels import Link
from hosting_cli.desired_links import PEER_CERTIFICATE_DAYS
from inventory.tunnels import KeyExchange

Facts: TypeAlias = Mapping[str, str | Sequence[Mapping[str, str]]]


class Language(StrEnum):
    """In which language a document is."""

    FRENCH = "fr"
    ENGLISH = "en"


@cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "sheet.yaml").read_text(encoding="utf-8"))
    return words


def configuration_name(link: Link) -> str:
    """Name the file that sets a strongSwan firewall up."""
    return f"{link.region.short}-{link.tunnel.id}.conf"


def sheet_name(link: Link, language: Language) -> str:
    """Name the file of the data sheet."""
    return f"{link.region.short}-{link.tunnel.id}.{language}.md"


def render(link: Link, language: Language) -> str:
    """Write the sheet of *link* in Markdown, which reads as it is."""
    words, facts = _words(), _facts(link, language)
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


def _facts(link: Link, language: Language) -> Facts:
    tunnel, region = link.tunnel, link.region
    segment = next(item for item in region.segments if item.id == tunnel.segment)
    establishment = next(
        item for member in region.members for item in member.establishments if item.finess == segment.establishment
    )
    terms = tunnel.ipsec_terms
    hybrid = terms.key_exchange is not KeyExchange.CLASSICAL
    return {
        "tunnel": tunnel.id,
        "operator": region.operator.name,
        "establishment": establishment.name,
        "finess": establishment.finess,
        "configuration": configuration_name(link),
        "peer_addresses": ", ".join(map(str, tunnel.peer.addresses)),
        "peer_identity": link.peer_identity,
        "gateways": [
            {"number": str(number), "address": str(end.address), "identity": link.gateway_identity(end.host)}
            for number, end in enumerate(tunnel.gateways, start=1)
        ],
        "second": "yes" if len(tunnel.gateways) > 1 else "",
        "hybrid": _words()["hybrid"][terms.key_exchange.value][language] if hybrid else "",
        "ike_seconds": str(terms.ike_rekey_seconds),
        "child_seconds": str(terms.child_rekey_seconds),
        "dead_peer_seconds": str(swanctl.DEAD_PEER_SECONDS),
        "ours": ", ".join(map(str, link.ours)),
        "theirs": ", ".join(map(str, link.theirs)),
        "internal": ", ".join(map(str, segment.internal_ranges)),
        "nat_pool": str(segment.nat_pool or ""),
        "certificate_days": str(PEER_CERTIFICATE_DAYS),
        "contacts": [
            {"role": contact.role, "email": contact.email, "telephone": contact.telephone}
            for contact in region.contacts
        ],
    }
