"""Object stores and what is asked of them: what their product lacks, forbids, or nobody has found out, is refused."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from inventory.countries import is_in_eea
from inventory.documents import Steps
from inventory.located import Kind, LocatedRegion, Placed
from inventory.models import Application, LockMode, ObjectStore
from inventory.problems import Problem, Words
from inventory.providers import Provider, Support

ANOTHER_STORE = "choose a store that can"
ABILITIES = {
    "versioning": ("keep versions", ANOTHER_STORE),
    "lock_governance": ("lock objects for governance", "write compliance if it has that, or choose another store"),
    "lock_compliance": ("lock objects for compliance", "write governance if that is enough, or choose another store"),
    "own_keys": ("encrypt under keys of the vault", "only backups may go there: they are encrypted on their host"),
    "lifecycle": ("remove objects by itself", "leave that out or choose another store"),
    "quota": ("limit the size of a bucket", "leave quota_gib out and watch the bucket's size"),
}
"""What a store cannot do without a feature, and what to do then."""


class Asked(NamedTuple):
    """Something that a file asks of a store: which store, which feature, and where it is asked."""

    store: str
    feature: str
    place: Placed[Any]
    steps: Steps


def provider_of(region: LocatedRegion, store: ObjectStore) -> Provider | None:
    """Find the product of *store*; ``None`` when the catalogue has none of that name."""
    place = region.index(Kind.PROVIDER).get(store.product)
    return place.value if place else None


def stores_can_be_set_up(region: LocatedRegion) -> Iterator[Problem]:
    """Find stores on which we could make neither buckets nor users."""
    able = ", ".join(place.value.name for place in region.providers if place.value.is_provisioned)
    for store in region.stores:
        provider = provider_of(region, store.value)
        if provider is not None and not provider.is_provisioned:
            what = f"nothing can be set up on {provider.name} from here"
            why = "; ".join(provider.obstacles)
            yield store.problem(("product",), Words(what, why, f"choose a store that runs one of: {able}"))


def stores_stand_where_their_offer_is(region: LocatedRegion) -> Iterator[Problem]:
    """Find stores in places of a provider that its HDS certificate does not cover, or that nobody knows of."""
    for store in region.stores:
        provider = provider_of(region, store.value)
        words = _misplaced(region, store.value, provider) if provider is not None else None
        if words:
            yield store.problem(("location",), words)


def _misplaced(region: LocatedRegion, store: ObjectStore, provider: Provider) -> Words | None:
    if provider.offer is None:
        what = f"{provider.name} has no locations"
        return Words(what, "it stands where its site is", "remove location") if store.location else None
    certified = [item.id for item in provider.offer.locations if item.hds.support is Support.SUPPORTED]
    covered = f"its HDS certificate is known to cover {', '.join(certified) or 'no location'}"
    remedy = f"write {certified[0]}" if certified else "choose another store"
    if store.location is None:
        remedy = f"add location: {certified[0]}" if certified else remedy
        return Words(f"nobody says where {store.id} keeps its objects", covered, remedy)
    found = next((item for item in provider.offer.locations if item.id == store.location), None)
    if found is None or found.id not in certified:
        return Words(f"{store.location} is no place of {provider.name} for health data", covered, remedy)
    return _elsewhere(region, store, found.country)


def _elsewhere(region: LocatedRegion, store: ObjectStore, country: str) -> Words | None:
    site = region.site(store.site)
    if site is None or (site.value.country == country and is_in_eea(country)):
        return None
    what = f"{store.location} stands in {country} and site {store.site} in {site.value.country}"
    return Words(what, "both say where the objects lie", "correct one of the two")


def stores_have_what_is_asked_of_them(region: LocatedRegion) -> Iterator[Problem]:
    """Find buckets, backups and the platform's own that ask for what their store's product does not have."""
    stores = {store.value.id: store.value for store in region.stores}
    for asked in _asked(region):
        store = stores.get(asked.store)
        provider = provider_of(region, store) if store is not None else None
        if provider is not None and not provider.has(asked.feature):
            ability, remedy = ABILITIES[asked.feature]
            what = f"{asked.store} cannot {ability}"
            why = f"on {provider.name} that is {provider.standing(asked.feature)}"
            yield asked.place.problem(asked.steps, Words(what, why, remedy))


def _asked(region: LocatedRegion) -> Iterator[Asked]:
    for application in region.applications:
        yield from _by_buckets(application)
        yield from _by_backups(application)
    if region.sheet is None:
        return
    evidence, logs = region.sheet.value.evidence, region.sheet.value.logs
    for key, kept in (("evidence", evidence), ("logs", logs)):
        if kept is not None:
            yield Asked(kept.store, "own_keys", region.sheet, (key, "store"))
            yield from _locked(kept.store, kept.lock_mode, region.sheet, (key,))
    if logs is not None:
        yield Asked(logs.store, "lifecycle", region.sheet, ("logs", "kept_days"))


def _by_buckets(application: Placed[Application]) -> Iterator[Asked]:
    for bucket in application.each("buckets", application.value.buckets):
        store = bucket.value.store
        yield Asked(store, "versioning", bucket, ("store",))
        yield Asked(store, "own_keys", bucket, ("store",))
        if bucket.value.noncurrent_days is not None:
            yield Asked(store, "lifecycle", bucket, ("noncurrent_days",))
        if bucket.value.quota_gib is not None:
            yield Asked(store, "quota", bucket, ("quota_gib",))


def _by_backups(application: Placed[Application]) -> Iterator[Asked]:
    backup = application.value.backup
    for key in ("store", "second_store") if backup else ():
        store = getattr(backup, key)
        if backup is not None and store is not None:
            yield from _locked(store, backup.lock_mode, application, ("backup",), key)


def _locked(store: str, mode: LockMode, place: Placed[Any], steps: Steps, key: str = "store") -> Iterator[Asked]:
    yield Asked(store, "versioning", place, (*steps, key))
    yield Asked(store, f"lock_{mode}", place, (*steps, "lock_mode"))
