"""Our mark on what the vault keeps: who owns it, in which region.

KV entries carry it as custom metadata, policies as their first line.  What does not carry it is not ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MANAGED_BY = "managed-by"
OURS = "hosting"


@dataclass(frozen=True)
class Mark:
    """Whose something is."""

    region: str
    owner: str

    @staticmethod
    def of(attributes: Mapping[str, str]) -> "Mark | None":
        """Read a mark; ``None`` when there is none or half of one."""
        if attributes.get(MANAGED_BY) != OURS or not {"region", "owner"} <= attributes.keys():
            return None
        return Mark(attributes["region"], attributes["owner"])

    def attributes(self) -> dict[str, str]:
        """Give the mark as names and values."""
        return {MANAGED_BY: OURS, "region": self.region, "owner": self.owner}

    def line(self) -> str:
        """Give the mark as the first line of a policy."""
        return "# " + " ".join(f"{name}={value}" for name, value in self.attributes().items()) + "\n"


def mark_of(policy: str) -> Mark | None:
    """Read the mark of a policy's text."""
    first, _, _ = policy.partition("\n")
    if not first.startswith("# "):
        return None
    return Mark.of(dict(word.split("=", 1) for word in first[2:].split() if "=" in word))
