"""JSON Schemas of the files, for editors: derived from the models, so that they cannot say anything else.

They know the shape of one file.  Check digits, references and rules across files are for `hosting validate`.
`python -m inventory.schema` writes them anew beside this module, where the sample region's files point their editors.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from inventory.compliance import Exclusion, Statement, Waiver
from inventory.controls import ControlSheet
from inventory.environment import Environment
from inventory.models import Application, ContinuityClasses, Host, Member, Profile, RegionSheet
from inventory.network import NetworkSheet, Protocols
from inventory.providers import Provider

FILES: dict[str, type[BaseModel]] = {
    "region": RegionSheet,
    "network": NetworkSheet,
    "host": Host,
    "member": Member,
    "application": Application,
    "statement": Statement,
    "exclusion": Exclusion,
    "waiver": Waiver,
    "environment": Environment,
    "protocols": Protocols,
    "profile": Profile,
    "continuity": ContinuityClasses,
    "provider": Provider,
    "controls": ControlSheet,
}

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _WithoutEmptyValues(GenerateJsonSchema):
    """Leave `null` out: a file leaves a key out instead of giving it an empty value."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Refuse keys that do not match their pattern, which pydantic alone would let pass with any value."""
        described = super().dict_schema(schema)
        for pattern, values in described.pop("patternProperties", {}).items():
            described["additionalProperties"] = values
            described["propertyNames"] = {**described.get("propertyNames", {}), "pattern": pattern}
        return described

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described


def schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of each kind of file, by the name of the kind."""
    return {
        name: {
            "$schema": DIALECT,
            **model.model_json_schema(schema_generator=_WithoutEmptyValues),
            "title": f"hosting: {name}",
        }
        for name, model in FILES.items()
    }


def render(schema: dict[str, Any]) -> str:
    """Give a schema as the text of a file: sorted, so that only what changed differs."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write every schema to *folder*, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / f"{name}.json").write_text(render(schema), encoding="utf-8")


FOLDER = Path(__file__).parent / "schemas"

if __name__ == "__main__":
    write(FOLDER)
