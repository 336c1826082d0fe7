"""The authority by which operators log in to hosts: every host trusts the next one, and is seen to, before it signs.

At every step every host trusts an authority that signs.  A host that cannot be reached stops the rotation where it is:
nothing that it needs is taken away before it is seen to use the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

from deploys.desired import Published, region_resources
from deploys.resources import HostLogin
from hosting_cli.errors import EngineError, LoginRefusedError, RefusedError, UnreadableError
from hosting_cli.jobs import HostJob, Job
from hosting_cli.keys import authorities
from hosting_cli.keys.authorities import FORMER, NEXT, PRESENT, SshAuthorityKey
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.request import Request
from hosting_cli.session import Session
from hosting_cli.survey import read_hosts
from inventory import naming
from inventory.key_policy import KeyKind
from inventory.resource import Json, Subject

EVERY_HOST = Subject("hosts", "all")
KNOCK_SECONDS = 30
LISTED_AT_MOST = 5
"""How many hosts a message names; an outage may concern hundreds."""


def goal(session: Session) -> Mapping[str, Json]:
    """Say which authority is to be replaced: the one that signs now."""
    session.vault.ssh.expect_several()
    for authority in session.vault.ssh.read():
        if authority.is_default:
            return {"replaces": authority.id}
    raise RefusedError(
        f"ssh-authority {naming.SSH_MOUNT}", "there is none that signs", "Run `hosting plan`, and apply."
    )


def steps(session: Session, request: Request) -> Iterator[Step]:
    """Give the steps of what was asked for."""
    return Rotation(session, str(request.goal["replaces"]), request.digest).steps()


@dataclass(frozen=True)
class Rotation:
    """The replacement of the authority that signs."""

    session: Session
    replaces: str
    procedure: str

    @property
    def subject(self) -> Subject:
        """Name the engine's authority."""
        return Subject(KeyKind.SSH_AUTHORITY, naming.SSH_MOUNT)

    def steps(self) -> Iterator[Step]:
        """Yield the steps."""
        both = partial(self._have_trusted, first_time=True)
        yield Step(self.subject, "make the next authority, which signs nothing yet", self._make, self._is_made)
        yield Step(EVERY_HOST, "trust the next authority beside the present one", both, self._are_both_trusted)
        yield proof(EVERY_HOST, "log in anew to each with a certificate of the next one alone", self._log_in)
        yield Step(self.subject, "sign by the next one from now on", self._switch, self._is_switched)
        alone = partial(self._have_trusted, first_time=False)
        yield Step(EVERY_HOST, "trust that one alone", alone, self._is_trusted_alone)
        yield proof(
            EVERY_HOST, "log in to each with its certificate, and be refused with the former's", self._be_refused
        )
        yield Step(self.subject, "end the former one", self._end, self._is_ended)

    # -- in the vault -------------------------------------------------------------------------------------------------

    def _find(self) -> tuple[SshAuthorityKey | None, SshAuthorityKey | None]:
        """Find the authority that is replaced and the one that this rotation made."""
        found = self.session.vault.ssh.read()
        old = next((item for item in found if item.id == self.replaces), None)
        return old, next((item for item in found if authorities.is_of(item.name, self.procedure)), None)

    def _new(self) -> SshAuthorityKey:
        found = self._find()[1]
        if found is None:
            raise EngineError(str(self.subject), "the next authority is gone", "Run the same command again.")
        return found

    def _is_made(self) -> bool:
        return self._find()[1] is not None

    def _make(self) -> None:
        """Make it; what a rotation that was called off has made is ended first, so that no host comes to trust it."""
        ssh = self.session.vault.ssh
        for left in ssh.read():
            if left.name.startswith(NEXT) and not left.is_default:
                ssh.rename(left, authorities.former_name(left.id))
                ssh.end(authorities.former_name(left.id))
        ssh.make(authorities.next_name(self.procedure, self.session.clock()))

    def _is_switched(self) -> bool:
        new = self._find()[1]
        return new is not None and new.is_default and new.name.startswith(PRESENT)

    def _switch(self) -> None:
        """Name the old one former first: an authority of that name is trusted as long as it signs, and no longer."""
        ssh, (old, new) = self.session.vault.ssh, (self._find()[0], self._new())
        if old is not None:
            ssh.rename(old, authorities.former_name(old.id))
        ssh.prefer(new)
        ssh.rename(new, authorities.present_name(new.name))

    def _is_ended(self) -> bool:
        left = [item for item in self.session.vault.ssh.read() if item.name.startswith(FORMER)]
        return not left and not self.session.vault.ssh.has_trial_role()

    def _end(self) -> None:
        for authority in self.session.vault.ssh.read():
            if authority.name.startswith(FORMER):
                self.session.vault.ssh.end(authority.name)
        self.session.vault.ssh.drop_trial_role()

    # -- on the hosts -------------------------------------------------------------------------------------------------

    @cached_property
    def _logins(self) -> dict[Subject, HostLogin]:
        everything = region_resources(self.session.region, self.session.environment, Published((), ""))
        return {resource.subject: resource for resource in everything if isinstance(resource, HostLogin)}

    def _read(self, keys: tuple[str, ...]) -> dict[str, tuple[HostLogin, HostLogin]]:
        """Give what each host should have and has; one that no login was ever set up on has nothing to replace.

        Raise ``UnreadableError`` if any host cannot be read.
        """
        wanted = {subject: replace(login, authority_keys=keys) for subject, login in self._logins.items()}
        readings = read_hosts(self._knocking(), wanted)
        away = {reading.source: reading.reason or "" for reading in readings if reading.resources is None}
        if away:
            reasons = "; ".join(f"{source}: {reason}" for source, reason in sorted(away.items())[:LISTED_AT_MOST])
            what = f"{len(away)} of {len(readings)} could not be read: {reasons}"
            remedy = "Nothing is taken away before they are back; a host that is gone for good leaves the files first."
            raise UnreadableError("hosts", what, remedy)
        found = {s: r for reading in readings for s, r in (reading.resources or {}).items()}
        return {
            login.host: (login, held)
            for subject, login in wanted.items()
            if isinstance(held := found.get(subject), HostLogin)
        }

    def _knocking(self) -> Session:
        """Log in by the next authority as soon as it signs, by the present one until then."""
        return self._by_next if self._is_switched() else self.session

    @cached_property
    def _by_next(self) -> Session:
        return self.session.certified_by(self._new().id)

    @cached_property
    def _by_next_alone(self) -> Session:
        return self._by_next.without_bootstrap_keys()

    def _are_right(self, keys: tuple[str, ...]) -> bool:
        return all(held.state() == wanted.state() for wanted, held in self._read(keys).values())

    def _are_both_trusted(self) -> bool:
        return self._is_switched() or self._are_right(self._keys(first_time=True))

    def _is_trusted_alone(self) -> bool:
        return self._are_right(self._keys(first_time=False))

    def _keys(self, *, first_time: bool) -> tuple[str, ...]:
        old, new = self._find()[0], self._new()
        return (old.public_key, new.public_key) if first_time and old is not None else (new.public_key,)

    def _have_trusted(self, *, first_time: bool) -> Observed:
        """Have every host that does not yet trust these authorities, and no other; each proves it by a new login."""
        session = self._knocking()
        jobs = {
            host: HostJob(session.environment.hosts[host], (wanted,))
            for host, (wanted, held) in self._read(self._keys(first_time=first_time)).items()
            if held.state() != wanted.state()
        }
        outcome = session.engine.converge(Job(jobs, session.operator_key), lambda event: None)
        failures = [*outcome.failed.values(), *outcome.lost_hosts.values()]
        if failures:
            reasons = "; ".join(str(failure) for failure in failures[:LISTED_AT_MOST])
            remedy = "Each still trusts what it trusted. Mend that, and run the same command again."
            raise EngineError("hosts", f"{len(failures)} did not change: {reasons}", remedy)
        return {"hosts": [*jobs]}

    def _log_in(self) -> Observed:
        """Read every host over a new connection by a certificate of the next authority, with no other key at hand."""
        hosts = self._read(self._keys(first_time=not self._is_switched()))
        refusals = [answer for answer in self._knock(self._by_next_alone, hosts).values() if answer is not None]
        if refusals:
            reasons = "; ".join(str(refusal) for refusal in refusals[:LISTED_AT_MOST])
            what = f"{len(refusals)} do not open to a certificate of the next authority: {reasons}"
            remedy = "Each still opens to the present one. Mend that, and run the same command again."
            raise EngineError("hosts", what, remedy)
        return {"hosts": [*sorted(hosts)]}

    def _be_refused(self) -> Observed:
        observed = self._log_in()
        old = self._find()[0]
        if old is None:
            return {**observed, "former": "ended by an earlier run"}
        hosts = self._read(self._keys(first_time=False))
        for host, answer in self._knock(self.session.certified_by(old.id).without_bootstrap_keys(), hosts).items():
            if answer is None:
                what = f"{host} still opens to a certificate of the former authority"
                raise EngineError(f"host {host}", what, "Look at what else its sshd trusts.")
            if not isinstance(answer, LoginRefusedError):
                raise answer
        return {**observed, "former": "refused"}

    def _knock(self, session: Session, hosts: Mapping[str, object]) -> dict[str, UnreadableError | None]:
        """Log in anew to each of *hosts*, and say why it could not be where it could not."""
        request: Json = {"timeout_seconds": KNOCK_SECONDS}
        answers = session.hosts.read(dict.fromkeys(hosts, request))
        return {host: answer if isinstance(answer, UnreadableError) else None for host, answer in answers.items()}
