"""What products that keep objects can do, and what their offers for health data allow: one file each in the catalogue.

What nobody has found out is ``unknown``, and refuses whatever depends on it.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from inventory.frozen import Model
from inventory.identifiers import Country, Identifier, NonEmpty
from inventory.notations import Day


class Support(StrEnum):
    """Whether a product has something; ``forbidden`` is what it has and its offer for health data rules out."""

    SUPPORTED = "supported"
    ABSENT = "absent"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


class Feature(Model):
    """Whether a product has one feature, and what there is to know about it."""

    support: Support
    note: NonEmpty | None = None


class Features(Model):
    """What buckets and their users may ask of a product: through S3 and its IAM API, which is all that we speak."""

    versioning: Feature
    lock_governance: Feature
    lock_compliance: Feature
    own_keys: Feature
    customer_keys: Feature
    lifecycle: Feature
    bucket_policy: Feature
    public_access_block: Feature
    cross_origin_rules: Feature
    quota: Feature
    users: Feature
    tags: Feature
    storage_classes: Feature

    def of(self, name: str) -> Feature:
        """Give the feature *name*, one of this model's fields."""
        feature: Feature = getattr(self, name)
        return feature


class PlainRequest(StrEnum):
    """How a product shows a bucket's policy that a request is not encrypted: it says so, or says nothing."""

    SAID = "said"
    UNSAID = "unsaid"


class Location(Model):
    """A region of a provider, by the provider's own name, and whether its HDS certificate covers it."""

    id: Identifier
    country: Country
    hds: Feature


class Offer(Model):
    """What somebody else's service comes with; whoever runs a product on servers of their own has none."""

    locations: tuple[Location, ...]
    access_from_outside_eea: Feature
    secnumcloud: Feature


class Provider(Model):
    """A product: its features, its offer if it is somebody's service, and where all of that was read, and when."""

    id: Identifier
    name: NonEmpty
    read: Day
    sources: Annotated[tuple[NonEmpty, ...], Field(min_length=1)]
    offer: Offer | None = None
    plain_requests: tuple[PlainRequest, ...] = ()
    features: Features

    @property
    def is_provisioned(self) -> bool:
        """Tell whether we can set buckets and users up there."""
        return not self.obstacles

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Say what keeps us from setting buckets and users up there."""
        needed = {"users": "making users", "tags": "marking buckets", "bucket_policy": "giving buckets a policy"}
        found = [f"{words} is {self.standing(name)}" for name, words in needed.items() if not self.has(name)]
        return (*found, *(() if self.plain_requests else ("refusing what does not come over TLS is unknown",)))

    def has(self, feature: str) -> bool:
        """Tell whether *feature* can be relied on."""
        return self.features.of(feature).support is Support.SUPPORTED

    def standing(self, feature: str) -> str:
        """Say how it stands with a feature, and why."""
        found = self.features.of(feature)
        words = "forbidden for health data" if found.support is Support.FORBIDDEN else found.support.value
        return f"{words} ({found.note})" if found.note else words
