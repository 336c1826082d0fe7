"""Say what a region's files let pass at one hook of one host.  Pure.

Written from the files alone, and not from how rules are generated.  What no permit allows must be dropped.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace

from deploys.flows import Leg, ResolvedFlow
from hosting_cli.network import needs
from hosting_cli.network.packets import PROTOCOLS, Family, Pattern, State, spans_of
from hosting_cli.network.permits import FOLLOWED, Permit, Position
from hosting_cli.network.rules import Hook
from hosting_cli.network.spaces import Span, without


def permits(position: Position, hook: Hook) -> tuple[Permit, ...]:
    """Give every reason for which packets pass *hook*; raise ``ValueError`` if an engine is not named by address."""
    rows = tuple(_ROWS[hook](position))
    answered = rows if hook is Hook.FORWARD else tuple(_ROWS[_AGAINST[hook]](position))
    return (_CONNECTED, *_NEEDS[hook](position), *rows, *_kept_up(rows, answered))


_CONNECTED = Permit("packets of connections that were let through", Pattern(states=FOLLOWED))
_AGAINST = {Hook.INPUT: Hook.OUTPUT, Hook.OUTPUT: Hook.INPUT}


def _nothing(position: Position) -> Iterator[Permit]:
    """Give what passes through a host although it is in no row: nothing."""
    yield from ()


def _arriving(position: Position) -> Iterator[Permit]:
    """Give the rows that end at one of the host's own addresses."""
    for exchange in () if position.is_gateway else position.places.exchanges[position.host.id]:
        own = spans_of([exchange.leg.alone])
        for flow in exchange.received:
            allowed = _first(flow, incoming=exchange.leg.name, destinations=own)
            promised = replace(allowed, sources=without(spans_of(flow.source.networks), position.own))
            yield Permit(flow.comment, allowed, promised, flow.ports, (flow,))


def _leaving(position: Position) -> Iterator[Permit]:
    """Give the rows that begin at one of the host's own addresses."""
    for exchange in () if position.is_gateway else position.places.exchanges[position.host.id]:
        own = spans_of([exchange.leg.alone])
        for flow in exchange.sent:
            allowed = _first(flow, outgoing=exchange.leg.name, sources=own)
            promised = replace(allowed, destinations=without(spans_of(flow.destination.networks), position.own))
            yield Permit(flow.comment, allowed, promised, flow.ports, (flow,))


def _through(position: Position) -> Iterator[Permit]:
    """Give the rows between two segments that a gateway joins."""
    legs = position.legs if position.is_gateway else ()
    entries: dict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        entries[leg.segment].append(leg)
    known: dict[tuple[Hashable, ...], tuple[Pattern, Pattern]] = {}
    for way_out in legs:
        for flow in position.places.flows_to.get(way_out.segment, ()):
            for entry in entries[flow.source.segment] if flow.source.segment != way_out.segment else ():
                alike = (entry.name, way_out.name, flow.source, flow.destination, flow.transport)
                if alike not in known:
                    known[alike] = _between(position, entry, way_out, flow)
                yield Permit(flow.comment, *known[alike], flow.ports, (flow,))


def _between(position: Position, entry: Leg, way_out: Leg, flow: ResolvedFlow) -> tuple[Pattern, Pattern]:
    """Say what a row allows and promises from one leg of a gateway to another, whatever its ports."""
    allowed = _first(flow, incoming=entry.name, outgoing=way_out.name)
    sources, destinations = spans_of(flow.source.networks), spans_of(flow.destination.networks)
    promised = replace(
        allowed, sources=without(sources, position.own), destinations=without(destinations, position.own)
    )
    return allowed, promised


_ROWS: dict[Hook, Callable[[Position], Iterator[Permit]]] = {
    Hook.INPUT: _arriving,
    Hook.OUTPUT: _leaving,
    Hook.FORWARD: _through,
}
_NEEDS: dict[Hook, Callable[[Position], Iterator[Permit]]] = {
    Hook.INPUT: needs.incoming,
    Hook.OUTPUT: needs.outgoing,
    Hook.FORWARD: _nothing,
}


def _first(
    flow: ResolvedFlow,
    *,
    incoming: str | None = None,
    outgoing: str | None = None,
    sources: tuple[Span, ...] | None = None,
    destinations: tuple[Span, ...] | None = None,
) -> Pattern:
    """Give the first packets of a row's connections, whatever their ports, where they are seen."""
    return Pattern(
        states=(State.NEW,),
        family=Family.IPV4,
        incoming=None if incoming is None else (incoming,),
        outgoing=None if outgoing is None else (outgoing,),
        sources=spans_of(flow.source.networks) if sources is None else sources,
        destinations=spans_of(flow.destination.networks) if destinations is None else destinations,
        protocols=(PROTOCOLS[flow.transport],),
    )


def _kept_up(forth: Iterable[Permit], back: Iterable[Permit]) -> Iterator[Permit]:
    """Promise that what follows a row's first packet passes, both ways: one permit for each pair of ends."""
    ends: dict[Pattern, list[ResolvedFlow]] = defaultdict(list)
    for permits_of_way, seen in ((forth, _followed), (back, _answered)):
        of_ends: dict[Pattern, list[ResolvedFlow]] = defaultdict(list)
        for permit in permits_of_way:
            if permit.promised is not None:
                of_ends[permit.promised] += permit.rows
        for promised, rows in of_ends.items():
            ends[seen(promised)] += rows
    for pattern, rows in ends.items():
        yield Permit(f"what follows of {rows[0].comment}", None, pattern, rows=tuple(rows))


def _followed(first: Pattern) -> Pattern:
    return replace(first, states=FOLLOWED, protocols=None)


def _answered(first: Pattern) -> Pattern:
    return replace(
        _followed(first),
        incoming=first.outgoing,
        outgoing=first.incoming,
        sources=first.destinations,
        destinations=first.sources,
    )
