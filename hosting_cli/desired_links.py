"""What the vault must hold for links between sites: the authority of certificates, and how it is proven.  Pure."""

from collections.abc import Iterator

from hosting_cli.resources import PkiAuthority, PkiRole, SecretsEngine, VaultResource
from inventory import naming
from inventory.models import Region
from inventory.resource import PLATFORM, Subject
from inventory.tunnels import Tunnel, TunnelKind

DAY_SECONDS = 24 * 3600
PROOF_SECONDS = 5 * 60
"""How long a certificate is valid that only proves its authority."""

LONGEST_LINK_DAYS = 365
"""How long a certificate of a link may be valid at most."""

PEER_CERTIFICATE_DAYS = LONGEST_LINK_DAYS
"""How long a peer's certificate is valid: somebody has to carry each over to its firewall by hand."""

PEER_LIST_DAYS = PEER_CERTIFICATE_DAYS + 90
"""How long the list of what was revoked is valid that a peer is sent, anew with each of its certificates.

At its end a peer with strongSwan believes nobody any more, so it may not end while somebody still carries it over.
"""

GATEWAY_CERTIFICATE_DAYS = 30
"""How long a gateway's is, which it renews by itself: so long a peer that no new list reaches trusts a revoked one."""


def authority_of_links(region: Region, *, signs_itself: bool = True) -> PkiAuthority:
    """Say what the authority of links is to be.

    It is valid for a year longer than it may issue, so that what it issued last can be verified to its end.
    """
    return PkiAuthority(
        name=naming.PKI_MOUNT,
        owner=PLATFORM,
        common_name=f"{region.short} links",
        organization=region.operator.name,
        country=region.operator.country,
        validity_days=region.key_policy.limits.pki_authority.days + LONGEST_LINK_DAYS,
        signs_itself=signs_itself,
        requires=(Subject(SecretsEngine.kind, naming.PKI_MOUNT),),
    )


def links(region: Region, *, signs_itself: bool = True) -> Iterator[VaultResource]:
    """Yield the authority of certificates for links between sites, and the roles of proofs, gateways and peers."""
    authority = authority_of_links(region, signs_itself=signs_itself)
    yield authority
    yield _role(naming.PKI_PROOF_ROLE, naming.PKI_PROOF_NAME, PROOF_SECONDS, authority)
    for host in gateways_with_tunnels(region):
        identity, days = naming.gateway_identity(region, host), GATEWAY_CERTIFICATE_DAYS
        yield _role(naming.gateway_role(host), identity, days * DAY_SECONDS, authority)
    for tunnel in _ipsec(region):
        identity, days = naming.peer_identity(region, tunnel.id), PEER_CERTIFICATE_DAYS
        yield _role(naming.peer_role(tunnel.id), identity, days * DAY_SECONDS, authority)


def gateways_with_tunnels(region: Region) -> tuple[str, ...]:
    """Name the gateways that need a certificate."""
    return tuple(sorted({end.host for tunnel in _ipsec(region) for end in tunnel.gateways}))


def _ipsec(region: Region) -> list[Tunnel]:
    return [tunnel for tunnel in region.tunnels if tunnel.kind is TunnelKind.IPSEC]


def _role(name: str, identity: str, seconds: int, authority: PkiAuthority) -> PkiRole:
    """Say who may be certified as *identity*: a role each, so that nobody's rights reach another's name."""
    return PkiRole(
        name=f"{naming.PKI_MOUNT}/{name}",
        owner=PLATFORM,
        names=(identity,),
        ttl_seconds=seconds,
        requires=(authority.subject,),
    )
