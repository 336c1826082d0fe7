"""Read a region or an environment from its files: a frozen value, or every problem of every file at once."""

from datetime import date
from functools import cache
from pathlib import Path

from inventory.collector import collector_at_rest
from inventory.compliance import Exclusion, Statement, Waiver
from inventory.environment import Environment, ObjectStoreAccess
from inventory.folder import CATALOGUE, Found, search_others, survey
from inventory.located import Catalogue, LocatedRegion, Placed
from inventory.models import Application, ContinuityClasses, Host, Member, Profile, Region, RegionSheet
from inventory.network import NetworkSheet, Protocols
from inventory.problems import InventoryError, Problem
from inventory.providers import Provider
from inventory.reader import Reader
from inventory.rules import ENVIRONMENT_RULES, RULES


def load_region(folder: Path, today: date | None = None) -> Region:
    """Read the region in *folder* with the shared catalogue.

    With *today*, whatever has a last day (flows, the operator's certificate) must not be past it; without, days are
    not judged.  Raises InventoryError with everything that is wrong.
    """
    located, problems = locate_region(folder, today)
    if problems:
        raise InventoryError(problems)
    return located.region()


def locate_region(folder: Path, today: date | None = None) -> tuple[LocatedRegion, list[Problem]]:
    """Read what can be read of the region in *folder*, and everything that is wrong with it."""
    with collector_at_rest():
        return _locate_region(folder, today)


def _locate_region(folder: Path, today: date | None) -> tuple[LocatedRegion, list[Problem]]:
    files = survey(folder)
    reader = Reader()
    reader.note_astray(files.astray)
    found = files.found
    located = LocatedRegion(
        sheet=reader.sheet(found, "region.yaml", RegionSheet),
        network=reader.sheet(found, "network.yaml", NetworkSheet),
        catalogue=load_catalogue(),
        hosts=reader.folder(found, "hosts", Host),
        members=reader.folder(found, "members", Member),
        applications=reader.folder(found, "applications", Application),
        statements=reader.folder(found, "statements", Statement),
        exclusions=reader.folder(found, "exclusions", Exclusion),
        waivers=reader.folder(found, "waivers", Waiver),
        broken=frozenset(reader.broken),
        unreadable=frozenset(reader.unreadable),
        today=today,
    )
    of_files = [*files.problems, *reader.problems, *search_others(files)]
    return located, of_files + [problem for rule in RULES for problem in rule(located)]


@cache
def load_catalogue() -> Catalogue:
    """Read the catalogue that all regions share; it is part of this package and does not change while we run."""
    reader = Reader()
    protocols = reader.file(CATALOGUE / "protocols.yaml", Protocols)
    profiles = reader.folder(_files("profiles"), "profiles", Profile)
    providers = reader.folder(_files("providers"), "providers", Provider)
    continuity = reader.file(CATALOGUE / "continuity.yaml", ContinuityClasses)
    if reader.problems or protocols is None or continuity is None:
        raise InventoryError(reader.problems)
    return Catalogue(protocols, profiles, continuity, providers)


def _files(folder: str) -> list[Found]:
    return [Found(folder, path) for path in sorted((CATALOGUE / folder).glob("*.yaml"))]


def load_environment(path: Path, region: Region | None = None) -> Environment:
    """Read the environment file at *path*, which names the engines that a region is carried out on.

    Relative paths in it are taken from its folder.  With *region*, it must know every host of it and no other.
    Raises InventoryError with everything that is wrong.
    """
    reader = Reader()
    place = reader.file(path, Environment)
    problems = reader.problems
    if place is not None:
        environment = _resolve(place.value, path.parent)
        resolved = Placed(environment, place.document)
        problems += [problem for rule in ENVIRONMENT_RULES for problem in rule(resolved, region)]
        if not problems:
            return environment
    raise InventoryError(problems)


def _resolve(environment: Environment, folder: Path) -> Environment:
    """Take the paths of an environment from the folder of its file."""

    def resolved(path: Path) -> Path:
        return folder.absolute() / path

    def with_key(name: str) -> dict[str, Path]:
        key = environment.hosts[name].bootstrap_key
        return {} if key is None else {"bootstrap_key": resolved(key)}

    def with_authority(store: ObjectStoreAccess) -> ObjectStoreAccess:
        return store.model_copy(update={"certificate_authority": resolved(store.certificate_authority)})

    vault = environment.vault
    return environment.model_copy(
        update={
            "vault": vault.model_copy(
                update={
                    "certificate_authority": resolved(vault.certificate_authority),
                    "token_file": resolved(vault.token_file),
                }
            ),
            "object_stores": {name: with_authority(store) for name, store in environment.object_stores.items()},
            "hosts": {name: host.model_copy(update=with_key(name)) for name, host in environment.hosts.items()},
            "journal": resolved(environment.journal),
        }
    )
