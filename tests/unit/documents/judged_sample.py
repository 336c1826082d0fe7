"""A small report's worth of verdicts: one of each kind, in each layer, as checks and people would give them."""

from datetime import UTC, date, datetime, timedelta

from hosting_cli.checks.observation import Observation, Outcome, RawReading, Sentence
from hosting_cli.controls.history import RecordSeen
from hosting_cli.controls.verdict import ControlVerdict, StandingWaiver, Verdict, WaiverState
from hosting_cli.documents.judged import Judged
from inventory.bilingual import Bilingual
from inventory.compliance import Exclusion, Statement, Waiver
from inventory.controls import Authority, Control, Force, Framework, Layer

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)


def control(  # noqa: PLR0917 a row of a table
    name: str,
    layer: Layer,
    force: Force,
    authority: Authority,
    title: tuple[str, str],
    checks: tuple[str, ...] = (),
    supports: tuple[str, ...] = (),
    *,
    document: bool = False,
) -> Control:
    return Control(
        id=name,
        layer=layer,
        force=force,
        authority=authority,
        number=name.replace("-", " "),
        reference={"hds": "référentiel v2, 2024", "iso-27001": "annexe A, 2022"}.get(authority.value, "guide"),
        title=Bilingual(fr=title[0], en=title[1]),
        checks=checks,
        supports=supports,
        document=document,
    )


FIREWALL = RawReading(
    "host dijon-app-1",
    "nft --json list ruleset",
    NOW - timedelta(minutes=4),
    {"nftables": [{"chain": {"family": "inet", "name": "input", "policy": "accept"}}]},
)
VOLUMES = RawReading(
    "host dijon-app-1", "cryptsetup luksDump", NOW - timedelta(minutes=3), {"cipher": "aes-xts-plain64", "slots": 2}
)
SILENT = RawReading("host dijon-gateway-1", "nft --json list ruleset", NOW, None, "it does not answer")
FILES = RawReading("files", "hosting validate", NOW, {"sha256": "0" * 64})
READINGS = {reading.digest: reading for reading in (FIREWALL, VOLUMES, SILENT, FILES)}


def seen(check: str, subject: str, outcome: Outcome, sentence: tuple[str, str], reading: RawReading) -> Observation:
    return Observation(
        check=check,
        subject=subject,
        outcome=outcome,
        observed={"policy": "accept"} if outcome is Outcome.UNMET else None,
        sentence=Sentence(*sentence),
        source=reading.source,
        command=reading.command,
        read_at=reading.read_at,
        maximum_age=timedelta(days=1),
        reading=reading.digest,
    )


DROPPED = seen(
    "firewall.default-drop",
    "host dijon-app-1",
    Outcome.UNMET,
    ("la chaîne input accepte par défaut", "the chain input accepts by default"),
    FIREWALL,
)
UNREAD = seen(
    "firewall.default-drop",
    "host dijon-gateway-1",
    Outcome.UNKNOWN,
    ("n'a pas pu être lu : it does not answer", "could not be read: it does not answer"),
    SILENT,
)
ENCRYPTED = seen(
    "volume.encrypted",
    "volume dijon-app-1:imagerie-beaune/data",
    Outcome.MET,
    ("chiffré en LUKS2 (aes-xts-plain64)", "encrypted by LUKS2 (aes-xts-plain64)"),
    VOLUMES,
)
LOCATED = seen("location.declared", "site dijon", Outcome.MET, ("déclaré en France", "declared in France"), FILES)

WAIVER = Waiver(
    id="pare-feu-app",
    control="NET-1",
    check="firewall.default-drop",
    subjects=("host dijon-app-1",),
    reason="Migration du pare-feu en cours",
    compensation="Filtrage sur la passerelle, relevé chaque jour",
    requested_by="operations-engineer",
    approved_by="security-officer",
    since=date(2026, 11, 20),
    until=date(2026, 12, 20),
)
STATEMENT = Statement(
    id="smsi",
    title="Domaine d'application du SMSI",
    owner="security-officer",
    reference="GED-0012, version 4",
    reviewed=date(2026, 3, 2),
    controls=("EXI-04",),
    sha256="ab" * 32,
)


def verdicts() -> tuple[ControlVerdict, ...]:
    hds, soa, rule = Layer
    required, addressable = Force
    rows = [
        (
            control("EXI-04", hds, required, Authority.HDS, ("Domaine du SMSI", "ISMS scope"), document=True),
            Verdict.CONFORMING,
            (("document revu, en cours de validité", "document reviewed, and still valid"),),
            (),
        ),
        (
            control(
                "EXI-05", hds, required, Authority.HDS, ("Appréciation des risques", "Risk assessment"), document=True
            ),
            Verdict.NO_EVIDENCE,
            (("aucun document n'est déclaré", "no document is declared"),),
            (),
        ),
        (
            control(
                "EXI-06",
                hds,
                required,
                Authority.HDS,
                ("Changements des sous-traitants", "Subcontractor changes"),
                document=True,
            ),
            Verdict.TO_ASSESS,
            (("une personne doit juger", "a person has to judge"),),
            (),
        ),
        (
            control(
                "EXI-28",
                hds,
                required,
                Authority.HDS,
                ("Stockage dans l'EEE", "Storage in the EEA"),
                ("location.declared",),
            ),
            Verdict.CONFORMING,
            (("toutes les preuves sont à jour et favorables", "all evidence counts and is favourable"),),
            (LOCATED,),
        ),
        (
            control(
                "EXI-29",
                hds,
                required,
                Authority.HDS,
                ("Accès depuis l'extérieur de l'EEE", "Access from outside the EEA"),
                document=True,
            ),
            Verdict.NOT_APPLICABLE,
            (("aucun accès hors EEE", "no access from outside the EEA"),),
            (),
        ),
        (
            control(
                "A.8.13",
                soa,
                required,
                Authority.ISO,
                ("Sauvegarde des informations", "Information backup"),
                supports=("EXI-05",),
            ),
            Verdict.EXPIRED,
            (("dernier constat il y a 9 jours, 2 au plus", "last seen 9 days ago, 2 at the most"),),
            (),
        ),
        (
            control(
                "A.8.20",
                soa,
                required,
                Authority.ISO,
                ("Sécurité des réseaux", "Networks security"),
                ("firewall.default-drop",),
                ("EXI-05",),
            ),
            Verdict.NON_CONFORMING,
            (
                ("1 écart : host dijon-app-1", "1 deviation: host dijon-app-1"),
                ("1 lecture impossible : host dijon-gateway-1", "1 reading failed: host dijon-gateway-1"),
            ),
            (DROPPED, UNREAD),
        ),
        (
            control(
                "A.8.24",
                soa,
                addressable,
                Authority.ISO,
                ("Utilisation de la cryptographie", "Use of cryptography"),
                ("volume.encrypted",),
            ),
            Verdict.CONFORMING,
            (("toutes les preuves sont à jour et favorables", "all evidence counts and is favourable"),),
            (ENCRYPTED,),
        ),
        (
            control(
                "NET-1",
                rule,
                required,
                Authority.ANSSI,
                ("Tout ce qui n'est pas autorisé est bloqué", "What is not allowed is dropped"),
                ("firewall.default-drop",),
                ("A.8.20",),
            ),
            Verdict.WAIVED,
            (("1 écart couvert par la dérogation pare-feu-app", "1 deviation covered by the waiver pare-feu-app"),),
            (DROPPED,),
        ),
        (
            control(
                "VOL-1",
                rule,
                addressable,
                Authority.OPERATOR,
                ("Volumes chiffrés en LUKS2", "Volumes encrypted by LUKS2"),
                ("volume.encrypted",),
                ("A.8.24",),
            ),
            Verdict.CONFORMING,
            (("toutes les preuves sont à jour et favorables", "all evidence counts and is favourable"),),
            (ENCRYPTED,),
        ),
    ]
    standing = StandingWaiver(WAIVER, WaiverState.IN_FORCE, WAIVER.subjects)
    return tuple(
        ControlVerdict(
            control=found,
            verdict=verdict,
            judged_at=NOW,
            reasons=tuple(Sentence(*reason) for reason in reasons),
            observations=observations,
            statements=(STATEMENT,) if found.id == "EXI-04" else (),
            exclusion=Exclusion(
                id="hors-eee",
                controls=("EXI-29",),
                justification="Aucun accès n'est ouvert hors de l'EEE",
                decided_by="security-officer",
                decided=date(2026, 1, 12),
            )
            if found.id == "EXI-29"
            else None,
            waivers=(standing,) if verdict is Verdict.WAIVED else (),
        )
        for found, verdict, reasons, observations in rows
    )


def judged() -> Judged:
    framework = {
        Layer.HDS: (
            "Référentiel HDS",
            "HDS framework",
            "v2 (2024)",
            "31 exigences et le tableau des garanties",
            "31 requirements and the table of guarantees",
        ),
        Layer.APPLICABILITY: (
            "ISO/IEC 27001",
            "ISO/IEC 27001",
            "2022",
            "Les 93 mesures de l'annexe A",
            "The 93 controls of Annex A",
        ),
        Layer.RULE: (
            "Règles techniques",
            "Technical rules",
            "2026-11",
            "Chacune sous l'autorité qui la pose",
            "Each under whoever sets it",
        ),
    }
    now = {item.control.id: item.verdict.value for item in verdicts()}
    before = {**now, "A.8.20": "conforming"}
    return Judged(
        since=datetime(2026, 11, 1, tzinfo=UTC),
        until=datetime(2026, 12, 1, tzinfo=UTC),
        made_at=NOW,
        environment="production",
        frameworks={
            layer: Framework(name=Bilingual(fr=fr, en=en), edition=edition, note=Bilingual(fr=note_fr, en=note_en))
            for layer, (fr, en, edition, note_fr, note_en) in framework.items()
        },
        verdicts=verdicts(),
        titles={
            "firewall.default-drop": Sentence("Blocage par défaut", "Dropped by default"),
            "volume.encrypted": Sentence("Volumes chiffrés au repos", "Volumes encrypted at rest"),
            "location.declared": Sentence("Stockage déclaré dans l'EEE", "Storage declared in the EEA"),
        },
        readings=READINGS,
        records=(
            RecordSeen("records/000000000041.json", "4" * 64, NOW - timedelta(days=1), "token-operations", before),
            RecordSeen("records/000000000042.json", "5" * 64, NOW, "token-operations", now),
        ),
        key="SHA256:" + "6" * 64,
        catalogue_digest="7" * 64,
        files_digest="8" * 64,
    )
