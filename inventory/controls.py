"""The catalogue of controls, in three layers: what HDS asks, what the operator declares applicable, how it is done.

A control is judged by its own evidence alone: the checks and the document that it names itself.  What it `supports`
in the layer above is shown beside that one and never counted into its verdict, because an auditor must see who asks for
what.  HDS v2 asks neither for encryption nor for a figure: a rule that does names whoever really asks.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.bilingual import Bilingual
from inventory.frozen import Model
from inventory.identifiers import NonEmpty, Shape


class Layer(StrEnum):
    """The layers, from what is certified down to what is measured."""

    HDS = "hds"
    APPLICABILITY = "soa"
    RULE = "rule"


class Force(StrEnum):
    """How binding a control is: ``required`` as it stands, or ``addressable`` by other means that are justified."""

    REQUIRED = "required"
    ADDRESSABLE = "addressable"


class Authority(StrEnum):
    """Who really asks for something."""

    HDS = "hds"
    ISO = "iso-27001"
    ANSSI = "anssi"
    CNIL = "cnil"
    SECNUMCLOUD = "secnumcloud"
    OPERATOR = "operator"


ControlIdentifier = Annotated[
    str,
    Shape(
        r"^[A-Z][A-Z0-9]*([-.][A-Z0-9]+)*$",
        "an id of a control",
        "capitals, digits, hyphens and dots",
        "EXI-28, A.8.24 or TLS-1",
    ),
]

CheckIdentifier = Annotated[
    str,
    Shape(
        r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$",
        "an id of a check",
        "small letters, digits, dots and hyphens",
        "volume.encrypted",
    ),
]


class Control(Model):
    """One entry of a layer.

    ``number`` and ``reference`` say where it stands in the text of its authority; titles are ours, never the text.
    ``checks`` are what a machine can tell of it, ``document`` says that a dated document has to answer for it as well.
    ``supports`` names controls of the layer above.
    """

    id: ControlIdentifier
    layer: Layer
    force: Force
    authority: Authority
    number: NonEmpty
    reference: NonEmpty
    title: Bilingual
    document: bool = False
    checks: tuple[CheckIdentifier, ...] = ()
    supports: tuple[ControlIdentifier, ...] = ()


class Framework(Model):
    """What a layer is taken from, in which edition."""

    name: Bilingual
    edition: NonEmpty
    note: Bilingual


class ControlEntry(Model):
    """A control as a file of the catalogue has it; what all of a file have in common stands at its top."""

    id: ControlIdentifier
    number: NonEmpty
    title: Bilingual
    force: Force | None = None
    authority: Authority | None = None
    reference: NonEmpty | None = None
    document: bool = False
    checks: tuple[CheckIdentifier, ...] = ()
    supports: tuple[ControlIdentifier, ...] = ()


class ControlSheet(Model):
    """What one file of `catalogue/controls/` holds: one layer."""

    id: NonEmpty
    layer: Layer
    force: Force
    authority: Authority
    reference: NonEmpty
    framework: Framework
    controls: Annotated[tuple[ControlEntry, ...], Field(min_length=1)]

    @property
    def entries(self) -> tuple[Control, ...]:
        """Give the controls of the layer, each with what the top of the file says for all."""
        return tuple(
            Control(
                id=entry.id,
                layer=self.layer,
                force=entry.force or self.force,
                authority=entry.authority or self.authority,
                number=entry.number,
                reference=entry.reference or self.reference,
                title=entry.title,
                document=entry.document,
                checks=entry.checks,
                supports=entry.supports,
            )
            for entry in self.controls
        )
