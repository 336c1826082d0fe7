"""A report from what is recorded: the last collection of a period, judged as of its end, and how it was before.

Nothing is read anew: what a report says can be held against the chain by whoever has a pack of it.
"""

from dataclasses import dataclass

from hosting_cli.checks.observation import Collected
from hosting_cli.checks.registry import CHECKS
from hosting_cli.controls.assessment import Assessment, assessed
from hosting_cli.documents.compliance import compliance
from hosting_cli.documents.document import Document
from hosting_cli.documents.judged import Judged
from hosting_cli.documents.language import Language
from hosting_cli.documents.matrix import digest_of_files
from hosting_cli.documents.render import Form, render
from hosting_cli.evidence.collecting import catalogue, collected, collections, earlier
from hosting_cli.evidence.period import Period
from hosting_cli.evidence.programs import verify
from hosting_cli.evidence.verifying import Chain
from hosting_cli.session import Session
from inventory.control_catalogue import load_sheets
from inventory.models import Region


@dataclass(frozen=True)
class Reported:
    """A report in every language and form."""

    region: Region
    judged: Judged
    assessment: Assessment

    def document(self, language: Language) -> Document:
        """Give it in one language."""
        return compliance(self.region, self.judged, language)

    def rendered(self, language: Language, form: Form) -> bytes:
        """Give it in one language and form."""
        return render(self.document(language), form)


def reported(session: Session, chain: Chain, period: Period) -> Reported:
    """Judge what *chain* holds of *period*; where it holds nothing, nothing is proven.

    Raise ``EngineError`` when what a record was made from is not there, or is not what its name says.
    """
    names = collections(chain, period)
    seen = collected(session, chain, names[-1]) if names else Collected((), {})
    now = min(session.clock(), period.until)
    found = assessed(session.region, seen, now)
    judged = Judged(
        since=period.since,
        until=period.until,
        made_at=now,
        environment=session.environment.environment,
        frameworks={sheet.layer: sheet.framework for sheet in load_sheets()},
        verdicts=found.verdicts,
        titles={check.id: check.title for check in CHECKS},
        readings=seen.readings,
        records=earlier(session, chain, names),
        key=verify.fingerprint(chain.keys[-1].value),
        catalogue_digest=verify.sha256(catalogue()),
        files_digest=digest_of_files(session.region),
        faults=len(chain.faults),
    )
    return Reported(session.region, judged, found)
