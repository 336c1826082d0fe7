"""Change the address plan in the text of `network.yaml`: what is not part of the change stays, comments and all.  Pure.

Lists are written as people write them, each item after a hyphen on lines of its own; what is written otherwise is left
to its author.
"""

from datetime import date

import yaml

from inventory.documents import read_document
from inventory.network import NetworkSheet, Retired, Segment
from inventory.shapes import fit
from inventory.wanted import Allocated, Allocation, Pool
from inventory.yaml_text import Edit, NotEditableError, Text, entry, item

SEGMENTS, RETIRED = "segments", "retired"

# -- allocation ---------------------------------------------------------------------------------------------------


def with_allocation(text: str, added: Allocation) -> str:
    """Give *text*, the whole of a `network.yaml` in order, with *added* in it."""
    before = Text(text)
    edits = [_pool_added(before, pool) for pool in added.pools]
    if added.segments:
        edits.append(before.item_added(SEGMENTS, [_written(item) for item in added.segments]))
    pools = {pool.segment: pool.network for pool in added.pools}
    sheet = _sheet(text)
    segments = tuple(
        one.model_copy(update={"nat_pool": pools[one.id]}) if one.id in pools else one for one in sheet.segments
    )
    wanted = sheet.model_copy(update={"segments": (*segments, *(one.segment for one in added.segments))})
    return _checked(before.edited(edits), wanted)


def _written(added: Allocated) -> list[str]:
    segment = added.segment
    keys = {
        "id": segment.id,
        "site": segment.site,
        "kind": segment.kind.value,
        "purpose": segment.purpose and segment.purpose.value,
        "network": str(segment.network),
        "establishment": segment.establishment and f'"{segment.establishment}"',
    }
    return [f"# {added.reason}", *item({key: value for key, value in keys.items() if value is not None})]


def _pool_added(text: Text, pool: Pool) -> Edit:
    """Write a pool behind the internal ranges that it stands for."""
    segment = _item_of(text, pool.segment)
    ranges = entry(segment, "internal_ranges")
    if ranges is None:
        raise NotEditableError(f"segment {pool.segment} has no internal ranges")
    key, value = ranges
    if isinstance(segment, yaml.MappingNode) and segment.flow_style:
        end = text.offset(value.end_mark)
        return Edit(end, end, f", nat_pool: {pool.network}")
    return text.added(text.line_after(value), [f"{' ' * key.start_mark.column}nat_pool: {pool.network}"])


def _item_of(text: Text, segment: str) -> yaml.Node:
    found = text.entry(SEGMENTS)
    for one in found[1].value if found else ():
        identifier = entry(one, "id")
        if identifier is not None and identifier[1].value == segment:
            node: yaml.Node = one
            return node
    raise NotEditableError(f"there is no segment {segment}")


# -- retirement ---------------------------------------------------------------------------------------------------


def retired(segment: Segment, since: date) -> tuple[Retired, ...]:
    """Give what is kept of a segment that goes: its network, and its pool."""
    kept = Retired(id=segment.id, network=segment.network, since=since)
    if segment.nat_pool is None:
        return (kept,)
    return (kept, kept.model_copy(update={"network": segment.nat_pool}))


def with_retirement(text: str, segment: Segment, since: date) -> str:
    """Give *text* without *segment*, and with its addresses among those that are given to nobody."""
    before, kept, sheet = Text(text), retired(segment, since), _sheet(text)
    items = [item({"id": one.id, "network": str(one.network), "since": str(one.since)}) for one in kept]
    wanted = sheet.model_copy(
        update={
            "segments": tuple(one for one in sheet.segments if one.id != segment.id),
            "retired": (*sheet.retired, *kept),
        }
    )
    return _checked(before.edited([_removed(before, segment.id), before.item_added(RETIRED, items)]), wanted)


def _removed(text: Text, segment: str) -> Edit:
    """Take an item with the comment that stands right above it."""
    node = _item_of(text, segment)
    text.list_of_lines(SEGMENTS)
    first, after = node.start_mark.line, text.line_after(node)
    while text.lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return Edit(text.start_of_line(first), text.start_of_line(after), "")


# -- what came of it ----------------------------------------------------------------------------------------------


def _checked(text: str, wanted: NetworkSheet) -> str:
    """Require that the file now says what it should: never trust an edit, read it."""
    if _sheet(text) != wanted:
        raise NotEditableError("it would not be read as it is meant")
    return text


def _sheet(text: str) -> NetworkSheet:
    document, _ = read_document("network.yaml", text.encode())
    sheet = fit(document, NetworkSheet)[0] if document else None
    if sheet is None:
        raise NotEditableError("it would not be read any more")
    return sheet
