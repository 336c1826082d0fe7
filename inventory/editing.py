"""Change the address plan in the text of `network.yaml`: what is not part of the change stays, comments and all.  Pure.

Lists are written as people write them, each item after a hyphen on lines of its own; what is written otherwise is left
to its author.
"""

from datetime import date

import yaml

from inventory.documents import read_document
from inventory.network import NetworkSheet, Retired, Segment
from inventory.shapes import fit
from inventory.wanted import Allocated, Allocation, Pool, Tag
from inventory.yaml_text import Edit, NotEditableError, Text, entry, item

SEGMENTS, RETIRED = "segments", "retired"

# -- allocation ---------------------------------------------------------------------------------------------------


def with_allocation(text: str, added: Allocation) -> str:
    """Give *text*, the whole of a `network.yaml` in order, with *added* in it."""
    before = Text(text)
    edits = [_pool_added(before, pool) for pool in added.pools] + [_tag_added(before, tag) for tag in added.tags]
    edits += [_added_behind(before, one.segment, "network", f"gateway: {one.address}") for one in added.shared]
    if added.segments:
        edits.append(before.item_added(SEGMENTS, [_written(item) for item in added.segments]))
    pools = {pool.segment: {"nat_pool": pool.network} for pool in added.pools}
    tags = {tag.segment: {"vlan": tag.vlan} for tag in added.tags}
    shared = {one.segment: {"gateway": one.address} for one in added.shared}
    sheet = _sheet(text)
    segments = tuple(
        one.model_copy(update={**pools.get(one.id, {}), **tags.get(one.id, {}), **shared.get(one.id, {})})
        for one in sheet.segments
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
        "vlan": None if segment.vlan is None else str(segment.vlan),
        "establishment": segment.establishment and f'"{segment.establishment}"',
    }
    return [f"# {added.reason}", *item({key: value for key, value in keys.items() if value is not None})]


def _pool_added(text: Text, pool: Pool) -> Edit:
    """Write a pool behind the internal ranges that it stands for."""
    return _added_behind(text, pool.segment, "internal_ranges", f"nat_pool: {pool.network}")


def _tag_added(text: Text, tag: Tag) -> Edit:
    """Write the number of a VLAN behind the network that it carries."""
    return _added_behind(text, tag.segment, "network", f"vlan: {tag.vlan}")


def _added_behind(text: Text, identifier: str, name: str, written: str) -> Edit:
    """Write a key behind the key *name* of a segment."""
    segment = _item_of(text, identifier)
    found = entry(segment, name)
    if found is None:
        raise NotEditableError(f"segment {identifier} has no {name}")
    key, value = found
    if isinstance(segment, yaml.MappingNode) and segment.flow_style:
        end = text.offset(value.end_mark)
        return Edit(end, end, f", {written}")
    return text.added(text.line_after(value), [f"{' ' * key.start_mark.column}{written}"])


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
    """Give what is kept of a segment that goes: its network with the VLAN, and its pool."""
    kept = Retired(id=segment.id, network=segment.network, vlan=segment.vlan, since=since)
    if segment.nat_pool is None:
        return (kept,)
    return (kept, Retired(id=segment.id, network=segment.nat_pool, since=since))


def with_retirement(text: str, segment: Segment, since: date) -> str:
    """Give *text* without *segment*, and with its addresses among those that are given to nobody."""
    before, kept, sheet = Text(text), retired(segment, since), _sheet(text)
    items = [_kept(one) for one in kept]
    wanted = sheet.model_copy(
        update={
            "segments": tuple(one for one in sheet.segments if one.id != segment.id),
            "retired": (*sheet.retired, *kept),
        }
    )
    return _checked(before.edited([_removed(before, segment.id), before.item_added(RETIRED, items)]), wanted)


def _kept(one: Retired) -> list[str]:
    vlan = None if one.vlan is None else str(one.vlan)
    keys = {"id": one.id, "network": str(one.network), "vlan": vlan, "since": str(one.since)}
    return item({key: value for key, value in keys.items() if value is not None})


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
