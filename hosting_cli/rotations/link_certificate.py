"""A gateway's certificate: the next is proven in the daemon before peers are shown it; then the former ones end.

The gateway makes key and request, and keeps both certificates meanwhile.  Terms of tunnels ask for no authentication
anew, so whoever is in a tunnel stays in it; the next negotiation is by the new certificate.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography import x509

from deploys import names
from hosting_cli.desired_links import gateways_with_tunnels
from hosting_cli.errors import EngineError, RefusedError
from hosting_cli.keys import certificates
from hosting_cli.keys.links import IssuedCertificate
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.proofs.on_host import as_unit, hand_on
from hosting_cli.session import Session
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.models import Region
from inventory.resource import PLATFORM, Json, Subject


def gateway_of(region: Region, name: str) -> str:
    """Say whose certificate *name* is; raise ``RefusedError`` where no file asks for it."""
    for host in gateways_with_tunnels(region):
        if naming.gateway_role(host) == name:
            return host
    remedy = "Only gateways that end a tunnel are certified."
    raise RefusedError(f"link-certificate {name}", "no file of the region asks for it", remedy)


def goal(session: Session, name: str) -> Mapping[str, Json]:
    """Say which certificate is replaced: the one that the gateway shows, whatever else was issued to it."""
    rotation = Rotation(session, gateway_of(session.region, name), "")
    shown = rotation.told().present
    if shown is None:
        remedy = "Run `systemctl start hosting-link.service` there: it has itself certified."
        raise RefusedError(str(rotation.subject), "the gateway has no certificate", remedy)
    return {"replaces": shown}


@dataclass(frozen=True)
class Told:
    """What a gateway tells of its certificates: serial numbers, and how many keys it holds beside theirs.

    ``is_loaded`` if its daemon was told of every change: what it holds in memory is what is told here.
    """

    present: str | None
    following: str | None
    former_keys: int
    is_loaded: bool


def told_of(answer: str) -> Told:
    """Read what a gateway tells; raise ``ValueError``, ``LookupError`` or ``TypeError`` for what is no answer."""
    found = json.loads(answer)
    return Told(_serial(found["present"]), _serial(found["next"]), int(found["former_keys"]), bool(found["is_loaded"]))


def _serial(certificate: str | None) -> str | None:
    return None if certificate is None else certificates.serial(x509.load_pem_x509_certificate(certificate.encode()))


@dataclass(frozen=True)
class Rotation:
    """The replacement of the certificate that one gateway shows the peers of its tunnels."""

    session: Session
    host: str
    replaces: str

    @property
    def subject(self) -> Subject:
        """Name the certificate."""
        return Subject(KeyKind.LINK_CERTIFICATE, naming.gateway_role(self.host))

    @property
    def identity(self) -> str:
        """Give the one name in it."""
        return naming.gateway_identity(self.session.region, self.host)

    def steps(self) -> Iterator[Step]:
        """Yield the steps; until the last, peers believe the old certificate and the new one."""
        host = self.host
        yield Step(self.subject, f"have {host} make a key and have it certified", self._make_next, self._has_next)
        sentence = f"verify it, there and here, and see that the daemon of {host} has loaded it with its key"
        yield proof(self.subject, sentence, self._prove)
        yield Step(self.subject, "show it to peers from now on", self._use_next, self._is_used)
        yield proof(self.subject, "verify what peers are shown, loaded with its key", partial(self._prove, used=True))
        yield Step(self.subject, f"remove every other key on {host}", self._forget_former, self._is_forgotten)
        yield Step(self.subject, "revoke every other certificate of its name", self._revoke, self._is_revoked)

    # -- what the gateway tells, and is told --------------------------------------------------------------------------

    def told(self) -> Told:
        """Ask the gateway; raise ``HostingError`` if it is away, or if what it says is not understood."""
        answer = self._run("tell-link")
        try:
            return told_of(answer)
        except (ValueError, LookupError, TypeError) as error:
            what = f"what it tells of its certificates is not understood ({error!r})"
            raise EngineError(f"host {self.host}", what, "Bring it to its files: hosting plan.") from error

    def _run(self, command: str) -> str:
        with hand_on(self.session, self.host) as hand:
            return hand.run([names.AGENT, command])

    def _has_next(self) -> bool:
        """Tell whether there is another certificate than the one that was asked to end; renewal may have brought it."""
        told = self.told()
        return told.following is not None or self._is_new(told.present)

    def _is_new(self, number: str | None) -> bool:
        return number not in {None, self.replaces}

    def _make_next(self) -> None:
        """Have it certified, in a unit that is given the gateway's identity as the one for renewals is."""
        with hand_on(self.session, self.host) as hand:
            hand.run([*as_unit(PLATFORM), "make-next-link"])

    def _prove(self, *, used: bool = False) -> Observed:
        """Have the daemon load it and the gateway verify it; then do the latter with what the vault says itself."""
        answer: dict[str, Any] = json.loads(self._run("prove-link"))
        shown, pki, now = str(answer["certificate"]), self.session.vault.pki, self.session.clock()
        issuer = self._issuer(shown)
        number = certificates.verify(shown, self.identity, issuer, pki.bundle(), now)
        if number == self.replaces or (used and not self._is_used()):
            raise EngineError(str(self.subject), "the gateway has the former one", "Run the same command again.")
        if certificates.is_revoked(pki.revocations(issuer), issuer, number, now):
            remedy = "Call this off with `hosting key withdraw`, and rotate anew."
            raise EngineError(str(self.subject), "the new one was revoked", remedy)
        return {"host": self.host, "serial": number, "authority": issuer.name, "algorithm": issuer.algorithm}

    def _issuer(self, certificate: str) -> certificates.LinkAuthority:
        leaf = x509.load_pem_x509_certificate(certificate.encode())
        for authority in self.session.vault.pki.read():
            if certificates.is_issued_by(leaf, authority):
                return authority
        what = "no authority of links issued what the gateway has"
        raise EngineError(str(self.subject), what, "Let nothing rely on it, and see who put it there.")

    def _use_next(self) -> None:
        self._run("use-next-link")

    def _is_used(self) -> bool:
        return self._shows_new(self.told())

    def _shows_new(self, told: Told) -> bool:
        return told.following is None and self._is_new(told.present) and told.is_loaded

    def _forget_former(self) -> None:
        self._run("forget-former-link")

    def _is_forgotten(self) -> bool:
        told = self.told()
        return self._shows_new(told) and told.former_keys == 0

    # -- what the vault has issued ------------------------------------------------------------------------------------

    def _others(self) -> tuple[str, list[IssuedCertificate]]:
        """Name the certificate that is shown, and list every other one of its name that somebody believes."""
        shown, now = self.told().present, self.session.clock()
        if not self._is_new(shown):
            raise EngineError(str(self.subject), "the gateway no longer has the new one", "Run the same command again.")
        found = [item for item in self.session.vault.pki.issued() if item.identity == self.identity]
        return str(shown), [item for item in found if item.is_valid(now) and certificates.serial(item.x509) != shown]

    def _revoke(self) -> None:
        """Revoke the former one, and whatever a killed run was given and did not come to keep."""
        for item in self._others()[1]:
            self.session.vault.pki.revoke(certificates.serial(item.x509))
        self.session.vault.pki.publish()

    def _is_revoked(self) -> bool:
        """Tell whether the list says so too: a run may have been killed between a revocation and the list of it."""
        shown, others = self._others()
        return not others and self._is_on_lists(shown)

    def _is_on_lists(self, shown: str) -> bool:
        pki, now = self.session.vault.pki, self.session.clock()
        lists = [(authority, pki.revocations(authority)) for authority in pki.read()]
        return all(
            certificates.is_revoked(revocations, authority, certificates.serial(item.x509), now)
            for item in pki.issued()
            if item.identity == self.identity and item.is_revoked and certificates.serial(item.x509) != shown
            if now < item.x509.not_valid_after_utc
            for authority, revocations in lists
            if certificates.is_issued_by(item.x509, authority)
        )
