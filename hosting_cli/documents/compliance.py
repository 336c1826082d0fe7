"""The compliance report as a document: what is asked, what was found, and what that was found in.  Pure.

Three layers, never merged: what HDS asks, what the operator declares applicable, and the technical rules with whoever
really asks for them.  What is required and what is addressable is counted apart, and nothing is a percentage.
"""

from collections.abc import Iterator
from datetime import timedelta

from hosting_cli.documents import compliance_brief as brief
from hosting_cli.documents import compliance_findings as findings
from hosting_cli.documents.compliance_register import register
from hosting_cli.documents.document import Document, Fact, Look, Prose, Section
from hosting_cli.documents.judged import Judged
from hosting_cli.documents.language import Language
from hosting_cli.documents.words import Words, words_of
from inventory.controls import Layer
from inventory.models import Region

METHOD = ("layers", "verdicts", "force", "age", "evidence", "verify", "limits")
"""The paragraphs on how it was made, in their order."""


def compliance(region: Region, judged: Judged, language: Language) -> Document:
    """Build the report in one language."""
    words = words_of(language)
    return Document(
        language,
        words.say("compliance-title"),
        words.say("scope-region", name=region.name),
        region.operator.name,
        judged.made_at.date(),
        tuple(_facts(region, judged, words)),
        tuple(_sections(judged, words)),
    )


def _facts(region: Region, judged: Judged, words: Words) -> Iterator[Fact]:
    say = words.say
    yield Fact(say("fact-operator"), region.operator.name, Look.STRONG)
    certificate = region.operator.certificate
    until = words.day(certificate.valid_until)
    yield Fact(say("fact-certificate"), say("certificate", number=certificate.number, until=until))
    yield Fact(say("fact-environment"), judged.environment)
    last = judged.until - timedelta(seconds=1)
    yield Fact(
        say("fact-period"),
        say("from-to", since=words.day(judged.since.date()), until=words.day(last.date())),
        Look.STRONG,
    )
    yield Fact(say("fact-judged"), words.moment(judged.made_at))
    for layer, framework in judged.frameworks.items():
        yield Fact(say(f"layer-{layer.value}"), f"{words.of(framework.name)}, {framework.edition}")
    yield Fact(say("fact-records"), words.count("records", len(judged.records)))
    yield Fact(
        say("fact-chain"),
        words.count("chain-broken", judged.faults) if judged.faults else say("chain-holds"),
        Look.STRONG if judged.faults else Look.PLAIN,
    )
    if judged.records:
        yield Fact(say("fact-record-digest"), judged.records[-1].digest, Look.CODE)
    yield Fact(say("fact-catalogue-digest"), judged.catalogue_digest, Look.CODE)
    yield Fact(say("fact-files-digest"), judged.files_digest, Look.CODE)
    yield Fact(say("fact-key"), judged.key, Look.CODE)


def _sections(judged: Judged, words: Words) -> Iterator[Section]:
    yield brief.tally(judged, words)
    yield brief.urgent(judged, words)
    yield brief.waivers(judged, words)
    yield brief.history(judged, words)
    for layer in Layer:
        yield register(judged, words, layer)
    yield Prose("method", words.say("method"), tuple(words.say(f"method-{name}") for name in METHOD))
    yield findings.all_found(judged, words)
    yield findings.raw(judged, words)
    yield brief.signed_records(judged, words)
