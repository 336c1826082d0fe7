"""The base of every value of the region's files."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """The base of every value: frozen, and strict about keys."""

    # A model that stands in another is built with it, once, and not for itself before.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
