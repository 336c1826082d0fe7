"""Show what a region's files may choose from."""

from typing import TYPE_CHECKING, Annotated

import typer

from hosting_cli.errors import UsageError
from hosting_cli.result import Block, Result, Table, text
from hosting_cli.session import Session

if TYPE_CHECKING:
    from inventory.providers import Feature, Provider

ProviderArgument = Annotated[
    str | None, typer.Argument(metavar="[PRODUCT]", help="Only this product, with notes and sources.")
]


def providers(session: Session, product: ProviderArgument = None) -> Result:
    """Show what object stores can do, and what is refused on them.

    What is absent, forbidden for health data or unknown is refused when a region's files ask for it.  `unknown` means
    that nobody has found out: find out, name the source in the catalogue's file, and it can be asked for.
    """
    from inventory.load import load_catalogue

    known = {place.value.id: place.value for place in load_catalogue().providers}
    if product is None:
        data = {"providers": [item.model_dump(mode="json") for item in known.values()]}
        return Result("catalogue providers", data, _side_by_side(list(known.values())))
    if product not in known:
        raise UsageError(f"product {product}", "is not in the catalogue", f"Choose one of: {', '.join(known)}.")
    found = known[product]
    return Result("catalogue providers", {"providers": [found.model_dump(mode="json")]}, _alone(found))


def _side_by_side(found: "list[Provider]") -> tuple[Block, ...]:
    from inventory.providers import Features

    names = list(Features.model_fields)
    rows = [(_words(name), *(item.features.of(name).support.value for item in found)) for name in names]
    rows.append(("can be set up", *("yes" if item.is_provisioned else "no" for item in found)))
    rows.append(("certified places", *(_places(item) for item in found)))
    columns = ("feature", *(item.id for item in found))
    return Table("", columns, tuple(rows)), text("Notes and sources: hosting catalogue providers PRODUCT")


def _alone(found: "Provider") -> tuple[Block, ...]:
    from inventory.providers import Features

    rows = [_row(_words(name), found.features.of(name)) for name in Features.model_fields]
    if found.offer is not None:
        rows += [_row(f"HDS certificate for {place.id}, {place.country}", place.hds) for place in found.offer.locations]
        rows.append(_row("access from outside the EEA", found.offer.access_from_outside_eea))
        rows.append(_row("SecNumCloud", found.offer.secnumcloud))
    standing = ["Buckets and users can be set up there."]
    if found.obstacles:
        standing = ["Nothing can be set up there from here:", *(f"  {obstacle}" for obstacle in found.obstacles)]
    title = f"{found.name}, as read on {found.read}"
    return Table(title, ("feature", "support", "note"), tuple(rows)), text(*standing, *map(_source, found.sources))


def _row(name: str, feature: "Feature") -> tuple[str, str, str]:
    return name, feature.support.value, feature.note or ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _places(found: "Provider") -> str:
    """Name the places that an HDS certificate is known to cover; on servers of one's own that is one's own."""
    if found.offer is None:
        return "your own"
    return ", ".join(place.id for place in found.offer.locations if place.hds.support.value == "supported") or "none"


def _source(source: str) -> str:
    return f"Source: {source}"
