"""Identifiers of the field and the checks that they carry (FINESS, SIREN, SIRET, ISO country)."""

from typing import Annotated

from pydantic import Field

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63)]
Finess = Annotated[str, Field(pattern=r"^(?:\d{2}|2[AB])\d{7}$")]
Siren = Annotated[str, Field(pattern=r"^\d{9}$")]
Siret = Annotated[str, Field(pattern=r"^\d{14}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
HttpsAddress = Annotated[str, Field(pattern=r"^https://[^/\s]+$")]
