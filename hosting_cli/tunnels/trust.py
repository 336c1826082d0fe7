"""By what a peer believes our gateways: the authorities of links, and the lists of what these have revoked.

A peer cannot reach the vault, so it is sent the lists as files, signed to outlast its own certificate.  Whoever has a
list refuses a gateway that it names; of what was revoked since, it knows when it is sent the next.
"""

from hosting_cli.desired_links import DAY_SECONDS, PEER_LIST_DAYS
from hosting_cli.errors import EngineError
from hosting_cli.session import Session


def files(session: Session) -> dict[str, str]:
    """Give the files for the peer's folders of strongSwan; raise ``EngineError`` if there is nobody to be believed."""
    authorities = session.vault.pki.read()
    if not authorities:
        what, remedy = "has no authority of links: a peer could believe nobody", "Have one made: hosting plan."
        raise EngineError("vault", what, remedy)
    found: dict[str, str] = {}
    for authority in authorities:
        revoked = session.vault.pki.lasting_revocations(authority, seconds=PEER_LIST_DAYS * DAY_SECONDS)
        found[f"x509ca/hosting-{authority.id}.pem"] = f"{authority.certificate.strip()}\n"
        found[f"x509crl/hosting-{authority.id}.pem"] = f"{revoked.strip()}\n"
    return found
