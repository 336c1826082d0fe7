"""The authority of certificates for links: the next is proven by use before it issues; the former goes on verifying.

A former authority stays among those that are trusted until all that it issued has ended; then ``--retire`` ends it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hosting_cli.desired_links import authority_of_links
from hosting_cli.errors import EngineError, RefusedError, UsageError, WaitingError
from hosting_cli.keys import authorities, certificates
from hosting_cli.keys.authorities import FORMER, NEXT, PRESENT
from hosting_cli.keys.certificates import LinkAuthority
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.request import Request
from hosting_cli.resources import PkiAuthority
from hosting_cli.session import Session
from inventory import naming
from inventory.environment import RootOfLinks
from inventory.key_policy import KeyKind
from inventory.resource import Json, Subject

SUBJECT = Subject(KeyKind.PKI_AUTHORITY, naming.PKI_MOUNT)


def goal(session: Session, *, retire: bool) -> Mapping[str, Json]:
    """Say which authority is replaced, or which former ones end; raise ``RefusedError`` where something needs them."""
    found = session.vault.pki.read()
    if retire:
        former = [authority for authority in found if authority.is_former]
        if not former:
            raise RefusedError(str(SUBJECT), "there is no former one", "Rotate it first; then what it issued must end.")
        for authority in former:
            _expect_ended(session, authority)
        return {"retires": [authority.id for authority in former]}
    for authority in found:
        if authority.is_default:
            return {"replaces": authority.id}
    if _is_offline(session):
        return {"replaces": None}
    raise RefusedError(str(SUBJECT), "there is none that issues", "Run `hosting plan`, and apply.")


def _is_offline(session: Session) -> bool:
    return session.environment.root_of_links is RootOfLinks.OFFLINE


def steps(session: Session, request: Request, certificate: Path | None) -> Iterator[Step]:
    """Give the steps of what was asked for; *certificate* is the file with what an offline root has signed."""
    retires = request.goal.get("retires")
    if isinstance(retires, list):
        return _retirement(session, tuple(str(identifier) for identifier in retires))
    return Rotation(session, str(request.goal["replaces"]), request.digest, certificate).steps()


def request_to_sign(session: Session, request: Request) -> str | None:
    """Give the request for the offline root, while what was asked for waits for that."""
    return Rotation(session, "", request.digest, None).request_to_sign() if _is_offline(session) else None


@dataclass(frozen=True)
class Rotation:
    """The replacement of the authority that issues."""

    session: Session
    replaces: str
    procedure: str
    certificate: Path | None

    def steps(self) -> Iterator[Step]:
        """Yield the steps."""
        if _is_offline(self.session):
            yield Step(SUBJECT, "make a key in the vault for the next authority", self._make_key, self._has_key)
            yield Step(SUBJECT, "take what the offline root has signed for it", self._install, self._is_made)
        else:
            yield Step(SUBJECT, "make the next authority, which issues nothing yet", self._make, self._is_made)
        sentence = "issue by the next one, verify, revoke, and find that on its list"
        yield proof(SUBJECT, sentence, partial(self._try, by_name=True))
        yield Step(
            SUBJECT, "issue by the next one from now on; the former one verifies", self._switch, self._is_switched
        )
        sentence = "issue without naming an authority: it is the new one, and its certificate verifies"
        yield proof(SUBJECT, sentence, partial(self._try, by_name=False))
        yield proof(SUBJECT, "read what the former one has revoked, signed by it", self._look_at_former)

    def _find(self) -> tuple[LinkAuthority | None, LinkAuthority | None]:
        """Find the authority that is replaced and the one that this rotation made."""
        found = self.session.vault.pki.read()
        old = next((item for item in found if item.id == self.replaces), None)
        return old, next((item for item in found if authorities.is_of(item.name, self.procedure)), None)

    def _new(self) -> LinkAuthority:
        found = self._find()[1]
        if found is None:
            raise EngineError(str(SUBJECT), "the next authority is gone", "Run the same command again.")
        return found

    def _is_made(self) -> bool:
        new = self._find()[1]
        return new is not None and self.session.vault.pki.has_list(new)

    def _make(self) -> None:
        """Make what there is not yet of it; one of a rotation that was called off becomes a former one."""
        self._set_aside()
        pki = self.session.vault.pki
        if self._find()[1] is None:
            pki.make(self._wanted, self._key_name() or authorities.next_name(self.procedure, self.session.clock()))
        self._complete()

    def _complete(self) -> None:
        """Have the next one's list made where whoever asked for the authority died before the vault came to that."""
        if not self.session.vault.pki.has_list(self._new()):
            self.session.vault.pki.publish()

    def _set_aside(self) -> None:
        for left in self.session.vault.pki.read():
            if left.is_next and not authorities.is_of(left.name, self.procedure):
                self.session.vault.pki.rename(left, authorities.former_name(left.id))

    @property
    def _wanted(self) -> PkiAuthority:
        return authority_of_links(self.session.region)

    def _key_name(self) -> str | None:
        names = self.session.vault.pki.key_names()
        return next((name for name in names if authorities.is_of(name, self.procedure)), None)

    def _has_key(self) -> bool:
        return self._key_name() is not None

    def _make_key(self) -> None:
        self._set_aside()
        self.session.vault.pki.request_for(self._wanted, authorities.next_name(self.procedure, self.session.clock()))

    def request_to_sign(self) -> str | None:
        """Give the request for the offline root, while it waits for that."""
        name = self._key_name()
        return None if name is None or self._is_made() else self.session.vault.pki.request_for(self._wanted, name)

    def _install(self) -> None:
        """Take the certificate, or wait for it."""
        name, request = self._key_name(), self.request_to_sign()
        if name is None or request is None:
            raise EngineError(str(SUBJECT), "the next authority's key is gone", "Run the same command again.")
        if self.certificate is None:
            remedy = "Run the same command again with `--certificate FILE`, the certificate and those above it in PEM."
            raise WaitingError(str(SUBJECT), "its offline root has not signed the request for it yet", remedy)
        try:
            chain = self.certificate.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"certificate {self.certificate}", f"cannot be read ({error})", "Name another.") from None
        certificates.expect_chain(chain, request, self.session.clock())
        self.session.vault.pki.install(chain, name)
        self._complete()

    def _is_switched(self) -> bool:
        old, new = self._find()
        settled = old is None or old.name.startswith(FORMER)
        return settled and new is not None and new.is_default and new.name.startswith(PRESENT)

    def _switch(self) -> None:
        """Prefer the new one first: at no moment is there none that issues."""
        pki, (old, new) = self.session.vault.pki, (self._find()[0], self._new())
        pki.prefer(new)
        if new.name.startswith(NEXT):
            pki.rename(new, authorities.present_name(new.name))
        if old is not None:
            pki.rename(old, authorities.former_name(old.id))

    def _try(self, *, by_name: bool) -> Observed:
        """Issue a certificate for minutes, verify it, revoke it, and find it on the list."""
        pki, now = self.session.vault.pki, self.session.clock
        new, wanted = self._new(), certificates.ask_for(naming.PKI_PROOF_NAME)
        issued = pki.issue_for_proof(wanted.request, wanted.name, new if by_name else None)
        number = certificates.verify(issued, wanted.name, new, pki.bundle(), now())
        if certificates.is_revoked(pki.revocations(new), new, number, now()):
            raise EngineError(str(SUBJECT), "a certificate is revoked that was just issued", "Trust no list of it.")
        pki.revoke(number)
        if not certificates.is_revoked(pki.revocations(new), new, number, now()):
            raise EngineError(str(SUBJECT), "a revoked certificate is not on the list", "Trust no list of it.")
        return {"authority": new.name, "serial": number, "algorithm": new.algorithm}

    def _look_at_former(self) -> Observed:
        old = self._find()[0]
        if old is None:
            return {"former": "ended since"}
        certificates.is_revoked(self.session.vault.pki.revocations(old), old, "00", self.session.clock())
        return {"former": old.name, "valid_until": str(old.x509.not_valid_after_utc.date())}


def _retirement(session: Session, identifiers: tuple[str, ...]) -> Iterator[Step]:
    """Yield the end of each former authority, after another look at what it issued."""

    def find(identifier: str) -> LinkAuthority | None:
        return next((item for item in session.vault.pki.read() if item.id == identifier), None)

    def look(identifier: str) -> Observed:
        authority = find(identifier)
        return {"certificates": 0 if authority is None else _expect_ended(session, authority)}

    def is_gone(name: str) -> bool:
        pki = session.vault.pki
        return name not in {authority.name for authority in pki.read()} | pki.key_names()

    for identifier in identifiers:
        name = authorities.former_name(identifier)
        yield proof(SUBJECT, f"see that all that {name} issued has ended", partial(look, identifier))
        end, gone = partial(session.vault.pki.end, name), partial(is_gone, name)
        yield Step(SUBJECT, f"end {name}, and its key", end, gone)


def _expect_ended(session: Session, authority: LinkAuthority) -> int:
    """Count what *authority* issued; raise ``RefusedError`` while any of that is neither revoked nor past its end."""
    issued, now = session.vault.pki.issued_by(authority), session.clock()
    valid = [certificate for certificate in issued if certificate.not_valid_after_utc > now]
    if valid:
        last = max(certificate.not_valid_after_utc for certificate in valid).date()
        what = f"{len(valid)} certificates that {authority.name} issued are still valid, the last until {last}"
        raise RefusedError(str(SUBJECT), what, "Wait until then, or have them issued anew and revoke them.")
    return len(issued)
