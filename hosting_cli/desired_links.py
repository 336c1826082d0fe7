"""What the vault must hold for links between sites: the authority of certificates, and how it is proven.  Pure."""

from collections.abc import Iterator

from hosting_cli.resources import PkiAuthority, PkiRole, SecretsEngine
from inventory import naming
from inventory.models import Region
from inventory.resource import PLATFORM, Resource, Subject

PROOF_SECONDS = 5 * 60
"""How long a certificate is valid that only proves its authority."""

LONGEST_LINK_DAYS = 365
"""How long a certificate of a link may be valid at most."""


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


def links(region: Region, *, signs_itself: bool = True) -> Iterator[Resource]:
    """Yield the authority of certificates for links between sites, and the role by which it is proven."""
    authority = authority_of_links(region, signs_itself=signs_itself)
    yield authority
    yield PkiRole(
        name=f"{naming.PKI_MOUNT}/{naming.PKI_PROOF_ROLE}",
        owner=PLATFORM,
        names=(naming.PKI_PROOF_NAME,),
        ttl_seconds=PROOF_SECONDS,
        requires=(authority.subject,),
    )
