"""The findings of the compliance report: what each check saw, and the raw readings that it saw it in.  Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from hosting_cli.checks.observation import Observation, RawReading
from hosting_cli.documents.entries import AllFound, Finding, Found, Raw, RawReadings
from hosting_cli.documents.judged import OUTCOMES, Judged
from hosting_cli.documents.words import Words
from inventory.resource import Json

INLINE = 8
"""How many findings of a check stand below an entry; all of them stand once, in the annex."""

EXCERPT_CHARACTERS = 12_000
"""How much of a raw reading a report shows; all of it is in the pack, under the same digest."""

LONGEST_OBSERVED = 400
"""How long an observed value is shown beside its sentence; all of it is in the raw reading."""


def found_below(judged: Judged, words: Words, check: str, observations: Iterable[Observation]) -> Found:
    """Give the worst of what a check found; all of it stands in the annex."""
    own = _worst_first(item for item in observations if item.check == check)
    more = words.say("all-found", number=len(own)) if len(own) > INLINE else ""
    return _found(judged, words, check, own, own[:INLINE], more=more)


def all_found(judged: Judged, words: Words) -> AllFound:
    """Give everything that every check found, the worst of each first."""
    checks: dict[str, dict[tuple[str, str], Observation]] = {}
    for verdict in judged.verdicts:
        for item in verdict.observations:
            checks.setdefault(item.check, {})[item.subject, item.reading] = item
    found = []
    for check, by_subject in sorted(checks.items()):
        own = _worst_first(by_subject.values())
        found.append(_found(judged, words, check, own, own, more=""))
    return AllFound("all-found", words.say("annex-found"), (words.say("annex-found-note"),), tuple(found))


def _found(
    judged: Judged, words: Words, check: str, own: Sequence[Observation], shown: Sequence[Observation], *, more: str
) -> Found:
    counts = Counter(item.outcome for item in own)
    counted = ", ".join(
        words.say("counted", what=words.say(f"outcome-{outcome.value}"), number=counts[outcome])
        for outcome in OUTCOMES
        if counts[outcome]
    )
    title = words.of(judged.titles[check]) if check in judged.titles else check
    command = own[0].command if own else ""
    return Found(
        f"check-{check}",
        title,
        command,
        counted or words.say("nothing-found"),
        tuple(_finding(words, item) for item in shown),
        more,
    )


def _finding(words: Words, item: Observation) -> Finding:
    observed = "" if item.observed is None else json.dumps(item.observed, ensure_ascii=False, sort_keys=True)
    return Finding(
        OUTCOMES[item.outcome],
        words.say(f"outcome-{item.outcome.value}"),
        item.subject,
        words.of(item.sentence),
        observed if len(observed) <= LONGEST_OBSERVED else observed[:LONGEST_OBSERVED] + " …",
        item.read_at,
        item.reading,
    )


def raw(judged: Judged, words: Words) -> RawReadings:
    """Give what was read, each under the digest by which findings name it."""
    readings = sorted(judged.readings.items(), key=lambda item: (item[1].source, item[1].command, item[0]))
    return RawReadings(
        "raw",
        words.say("annex-raw"),
        (words.say("annex-raw-note"),),
        tuple(_one_raw(words, digest, reading) for digest, reading in readings),
    )


def _one_raw(words: Words, digest: str, reading: RawReading) -> Raw:
    if reading.content is None:
        text, is_cut = words.say("not-read", reason=reading.reason or ""), False
    else:
        text, is_cut = _beginning(reading.content)
    cut = words.say("cut", shown=EXCERPT_CHARACTERS, digest=digest) if is_cut else ""
    return Raw(digest, reading.source, reading.command, reading.read_at, text, cut)


def _worst_first(observations: Iterable[Observation]) -> list[Observation]:
    order = list(OUTCOMES)
    return sorted(observations, key=lambda item: (order.index(item.outcome), item.subject))


def _beginning(content: Json) -> tuple[str, bool]:
    """Write what was read, line by line, as far as a report shows it; say whether that is not all."""
    parts, length = [], 0
    for part in json.JSONEncoder(ensure_ascii=False, indent=1, sort_keys=True).iterencode(content):
        parts.append(part)
        length += len(part)
        if length > EXCERPT_CHARACTERS:
            return "".join(parts)[:EXCERPT_CHARACTERS], True
    return "".join(parts), False
