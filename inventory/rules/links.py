"""Links carry what they guarantee, and guarantee what services need."""

from collections import defaultdict
from collections.abc import Iterator

from inventory.links import Link, LinkNeeds
from inventory.located import Kind, LocatedRegion
from inventory.models import Establishment
from inventory.problems import Problem, Words


def links_carry_what_they_guarantee(region: LocatedRegion) -> Iterator[Problem]:
    """Find links that guarantee more, over all classes, than they carry."""
    for place in region.links:
        link = place.value
        guaranteed = sum(link.guarantees_mbps.values())
        if guaranteed > link.rate_mbps:
            way = "down" if link.down_mbps <= link.up_mbps else "up"
            what = f"link {link.id} guarantees {guaranteed} Mb/s"
            why = f"it carries {link.rate_mbps} Mb/s {way}"
            yield place.problem(("guarantees_mbps",), Words(what, why, "guarantee less, or order a faster link"))


def services_have_the_links_they_need(region: LocatedRegion) -> Iterator[Problem]:
    """Find establishments of a service in production whose links do not guarantee what it needs, on as many paths."""
    profiles, establishments = region.index(Kind.PROFILE), region.index(Kind.ESTABLISHMENT)
    for place in region.applications:
        profile = profiles.get(place.value.profile)
        needs = profile.value.links if profile else None
        if needs is None or not place.value.is_production:
            continue
        for number, finess in enumerate(place.value.establishments):
            found = establishments.get(finess)
            paths = _sufficient_paths(found.value, needs) if found else needs.paths
            if paths < needs.paths:
                what = f"establishment {finess} has {paths} of {needs.paths} paths that guarantee {_rates(needs)}"
                why = f"{place.value.profile} needs them, the second when the first fails"
                remedy = "order what is missing and write it into the member's file"
                yield place.problem(("establishments", number), Words(what, why, remedy))


def _sufficient_paths(establishment: Establishment, needs: LinkNeeds) -> int:
    by_path: dict[str, list[Link]] = defaultdict(list)
    for link in establishment.links:
        by_path[link.path].append(link)
    return sum(_is_sufficient(links, needs) for links in by_path.values())


def _is_sufficient(links: list[Link], needs: LinkNeeds) -> bool:
    return all(
        sum(link.guarantees_mbps.get(traffic, 0) for link in links) >= rate
        for traffic, rate in needs.guarantees_mbps.items()
    )


def _rates(needs: LinkNeeds) -> str:
    return " and ".join(f"{rate} Mb/s {traffic}" for traffic, rate in needs.guarantees_mbps.items())
