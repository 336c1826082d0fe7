"""A host's secret-id: a second one is handed over wrapped, kept by the host, and proven by use; then the first goes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploys import names
from deploys.resources import HostIdentity
from hosting_cli.actors import WRAPPED_SECONDS
from hosting_cli.desired import hosts_of
from hosting_cli.desired_links import gateways_with_tunnels
from hosting_cli.errors import EngineError, RefusedError, UnreadableError
from hosting_cli.procedure import Observed, Step, proof
from hosting_cli.proofs.on_host import as_unit, hand_on
from hosting_cli.session import Session
from hosting_cli.survey import read_hosts
from inventory import naming
from inventory.models import Application, Region
from inventory.resource import PLATFORM, Json, Subject


def identity_of(region: Region, application: Application | None, role: str) -> HostIdentity:
    """Say which host holds *role*; raise ``RefusedError`` where no file asks for it.

    The platform's own, of no application, are those of gateways.
    """
    owner = PLATFORM if application is None else application.id
    for host in gateways_with_tunnels(region) if application is None else hosts_of(application):
        if naming.host_role(owner, host) == role:
            return HostIdentity(host=host, name=f"{host}:{owner}", owner=owner, application=owner, role=role)
    remedy = "Only identities that the region's files ask for are given new secret-ids."
    raise RefusedError(f"secret-id {role}", "no file of the region asks for its role", remedy)


def goal(session: Session, identity: HostIdentity) -> Mapping[str, Json]:
    """Say which secret-id is to be replaced: the one that the host holds, whatever else the vault lists."""
    accessor = _held(session, identity)
    if accessor is None:
        what = f"{identity.host} holds none that the vault knows"
        raise RefusedError(f"secret-id {identity.role}", what, "Run `hosting plan`, and apply.")
    return {"replaces": accessor}


def _held(session: Session, identity: HostIdentity) -> str | None:
    """Read which secret-id the host holds, if the vault knows it; raise ``UnreadableError`` if the host is away."""
    (reading,) = read_hosts(session, {identity.subject: identity}, [identity.host])
    if reading.resources is None:
        remedy = "Mend that, and run the same command again."
        raise UnreadableError(f"host {identity.host}", f"could not be read: {reading.reason}", remedy)
    found = reading.resources.get(identity.subject)
    return found.accessor if isinstance(found, HostIdentity) and found.condition == identity.condition else None


@dataclass(frozen=True)
class Rotation:
    """The replacement of the secret-id by which one application's units log in on one host."""

    session: Session
    identity: HostIdentity
    replaces: str

    @property
    def subject(self) -> Subject:
        """Name the role."""
        return Subject("app-role", self.identity.role)

    def steps(self) -> Iterator[Step]:
        """Yield the steps; until the last, the vault takes the old one and the new one."""
        host = self.identity.host
        sentence = f"hand {host} a second one, wrapped; it unwraps it, logs in with it, keeps it"
        yield Step(self.subject, sentence, self._hand_over, self._is_held)
        yield proof(self.subject, f"log in on {host} as its units do, with what it now keeps", self._try)
        yield Step(self.subject, "destroy every other secret-id of the role", self._destroy_others, self._is_alone)

    def _is_held(self) -> bool:
        return _held(self.session, self.identity) not in {None, self.replaces}

    def _hand_over(self) -> None:
        """Hand a fresh one over; one that a killed run made and nobody unwrapped is destroyed by the last step."""
        token, _ = self.session.vault.wrapped_secret_id(
            self.identity.role, ttl_seconds=WRAPPED_SECONDS, note={"host": self.identity.host}
        )
        with hand_on(self.session, self.identity.host) as hand:
            hand.run([names.AGENT, "receive-identity", self.identity.application], stdin=token)

    def _try(self) -> Observed:
        """Have the host log in with its credential as systemd gives it to units, and say which secret-id that was."""
        with hand_on(self.session, self.identity.host) as hand:
            told = json.loads(
                hand.run([*as_unit(self.identity.application), "try-identity", self.identity.application])
            )
        held = _held(self.session, self.identity)
        if told["accessor"] != held:
            what = f"its units log in with {told['accessor']}, and the host records {held}"
            raise EngineError(str(self.subject), what, "Look at its credential store, then run the same command again.")
        return {"host": self.identity.host, "accessor": held}

    def _destroy_others(self) -> None:
        held = _held(self.session, self.identity)
        if held in {None, self.replaces}:
            raise EngineError(str(self.subject), "the host no longer holds the new one", "Run the same command again.")
        for accessor in self.session.vault.secret_id_accessors(self.identity.role):
            if accessor != held:
                self.session.vault.destroy_secret_id(self.identity.role, accessor)

    def _is_alone(self) -> bool:
        held = _held(self.session, self.identity)
        return held != self.replaces and self.session.vault.secret_id_accessors(self.identity.role) == (held,)
