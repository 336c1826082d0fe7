"""Regions that documents are tried on: the sample, edited."""

from typing import Any

from sample import region

from inventory.models import Application, Member, Region
from inventory.network import Flow, Segment

BEAUNE = "210987657"
OTHER = "710978263"
"""A second establishment, with a tunnel and an application of its own."""


def with_flows(*changes: dict[str, Any], **of_application: Any) -> Region:
    """Give the sample with the first flow of its application once for each of *changes*, changed so."""
    found = region()
    (application,) = found.applications
    flows = tuple(application.flows[0].model_copy(update=change) for change in changes)
    changed = application.model_copy(update={"flows": flows, **of_application})
    return found.model_copy(update={"applications": (changed,)})


def with_a_neighbour() -> Region:
    """Give the sample beside another establishment, with a secret-sounding application of its own."""
    found = region()
    own, member, (tier, tunnel, *others) = found.applications[0], found.members[0], found.segments
    return found.model_copy(
        update={
            "applications": (own, _neighbour(own)),
            "members": (member, _member(member)),
            "segments": (
                tier,
                tunnel,
                *others,
                _moved(tier, "neighbour-tier", "10.21.30.0/24"),
                _moved(tunnel, "tunnel-neighbour", "10.21.40.0/24", OTHER),
            ),
        }
    )


def with_a_shared_group() -> Region:
    """Give the same, where the neighbour is in the group that the sample's second flow is for."""
    found = with_a_neighbour()
    (group,) = found.groups
    shared = group.model_copy(update={"members": (*group.members, f"establishment:{OTHER}")})
    return found.model_copy(update={"groups": (shared,)})


def _neighbour(own: Application) -> Application:
    tier = own.tiers[0].model_copy(update={"segment": "neighbour-tier", "hosts": ()})
    flow: Flow = own.flows[0].model_copy(update={"source": "tunnel-neighbour", "purpose": "neighbour's business"})
    return own.model_copy(
        update={
            "id": "neighbour-app",
            "name": "Neighbour",
            "tiers": (tier,),
            "flows": (flow,),
            "establishments": (OTHER,),
        }
    )


def _member(member: Member) -> Member:
    place = member.establishments[0].model_copy(update={"finess": OTHER, "name": "Neighbour hospital"})
    return member.model_copy(update={"id": "neighbour-member", "establishments": (place,)})


def _moved(segment: Segment, name: str, network: str, establishment: str | None = None) -> Segment:
    return Segment.model_validate(
        segment.model_dump() | {"id": name, "network": network, "establishment": establishment, "internal_ranges": ()}
    )
