"""Say what a region's files let pass at one hook of one host.  Pure.

Written from the files alone, and not from how rules are generated.  What no permit allows must be dropped.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from deploys.flows import Leg, ResolvedFlow
from hosting_cli.network import needs
from hosting_cli.network.packets import PROTOCOLS, Family, Pattern, State, spans_of
from hosting_cli.network.permits import FOLLOWED, Permit, Position
from hosting_cli.network.rules import Hook
from hosting_cli.network.spaces import without


def permits(position: Position, hook: Hook) -> tuple[Permit, ...]:
    """Give every reason for which packets pass *hook*; raise ``ValueError`` if an engine is not named by address."""
    rows = tuple(_ROWS[hook](position))
    return (_CONNECTED, *_NEEDS[hook](position), *rows, *_kept_up(rows, _answering(position, hook)))


_CONNECTED = Permit("packets of connections that were let through", (Pattern(states=FOLLOWED),))


def _answering(position: Position, hook: Hook) -> Iterable[Permit]:
    """Give the rows whose answers pass *hook*."""
    return _ROWS[{Hook.INPUT: Hook.OUTPUT, Hook.OUTPUT: Hook.INPUT, Hook.FORWARD: Hook.FORWARD}[hook]](position)


def _nothing(position: Position) -> Iterator[Permit]:
    """A gateway lets through what others need; of itself it needs nothing."""
    yield from ()


def _arriving(position: Position) -> Iterator[Permit]:
    """Give the rows that end at one of the host's own addresses."""
    for exchange in () if position.is_gateway else position.places.exchanges[position.host.id]:
        for flow in exchange.received:
            allowed = replace(_first(flow), incoming=(exchange.leg.name,), destinations=spans_of([exchange.leg.alone]))
            promised = replace(allowed, sources=without(spans_of(flow.source.networks), position.own))
            yield Permit(flow.comment, (allowed,), (promised,), (flow,))


def _leaving(position: Position) -> Iterator[Permit]:
    """Give the rows that begin at one of the host's own addresses."""
    for exchange in () if position.is_gateway else position.places.exchanges[position.host.id]:
        for flow in exchange.sent:
            allowed = replace(_first(flow), outgoing=(exchange.leg.name,), sources=spans_of([exchange.leg.alone]))
            promised = replace(allowed, destinations=without(spans_of(flow.destination.networks), position.own))
            yield Permit(flow.comment, (allowed,), (promised,), (flow,))


def _through(position: Position) -> Iterator[Permit]:
    """Give the rows between two segments that a gateway joins."""
    exits: dict[str, list[Leg]] = defaultdict(list)
    for leg in position.legs if position.is_gateway else ():
        exits[leg.segment].append(leg)
    for entry in position.legs if position.is_gateway else ():
        for flow in position.places.flows_from.get(entry.segment, ()):
            for way_out in exits[flow.destination.segment] if flow.destination.segment != entry.segment else ():
                allowed = replace(_first(flow), incoming=(entry.name,), outgoing=(way_out.name,))
                promised = replace(
                    allowed,
                    sources=without(spans_of(flow.source.networks), position.own),
                    destinations=without(spans_of(flow.destination.networks), position.own),
                )
                yield Permit(flow.comment, (allowed,), (promised,), (flow,))


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


def _first(flow: ResolvedFlow) -> Pattern:
    """Give the first packets of a row's connections, wherever they are seen."""
    return Pattern(
        states=(State.NEW,),
        family=Family.IPV4,
        sources=spans_of(flow.source.networks),
        destinations=spans_of(flow.destination.networks),
        protocols=(PROTOCOLS[flow.transport],),
        ports=tuple((port, port) for port in flow.ports),
    )


def _kept_up(forth: Iterable[Permit], back: Iterable[Permit]) -> Iterator[Permit]:
    """Promise that what follows a row's first packet passes, both ways: one permit for each pair of ends."""
    rows: dict[Pattern, list[ResolvedFlow]] = defaultdict(list)
    for permit in forth:
        for seen in permit.promises:
            rows[_between(seen)] += permit.rows
    for permit in back:
        for seen in permit.promises:
            rows[_turned(_between(seen))] += permit.rows
    for pattern, found in rows.items():
        yield Permit(f"what follows of {found[0].comment}", (), (pattern,), tuple(found))


def _between(pattern: Pattern) -> Pattern:
    return replace(pattern, states=FOLLOWED, protocols=None, ports=None)


def _turned(pattern: Pattern) -> Pattern:
    return replace(
        pattern,
        incoming=pattern.outgoing,
        outgoing=pattern.incoming,
        sources=pattern.destinations,
        destinations=pattern.sources,
    )
