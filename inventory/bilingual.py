"""A text in French and in English, as files that auditors read have it: French first."""

from inventory.frozen import Model
from inventory.identifiers import NonEmpty


class Bilingual(Model):
    """One text in both languages; neither may be missing."""

    fr: NonEmpty
    en: NonEmpty
