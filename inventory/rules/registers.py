"""What the registers say agrees with what the files say."""

from collections.abc import Iterator

from inventory.located import LocatedRegion
from inventory.problems import Problem, Words

SYNTHETIC = "99"
"""No department: the prefix of invented establishments, for training and tests."""


def finess_prefixes(postal_code: str) -> tuple[str, ...]:
    """Give what the FINESS number of a place with this postal code can start with.

    Corsica's postal codes do not tell its departments apart.  Overseas, 9701 to 9705 stand for 971 to 975, and
    Mayotte (976) has 98.
    """
    if postal_code.startswith("20"):
        return "2A", "2B"
    if postal_code.startswith("976"):
        return ("98",)
    if postal_code.startswith("97"):
        return (f"970{postal_code[2]}",)
    return (postal_code[:2],)


def establishments_stand_in_their_department(region: LocatedRegion) -> Iterator[Problem]:
    """Find establishments (ET) whose number belongs to another department than their address.

    Never asked of a legal entity (EJ), whose number tells its seat: one in five ET has an EJ from elsewhere.
    """
    for place in region.establishments:
        finess, postal_code = place.value.finess, place.value.postal_code
        expected = finess_prefixes(postal_code)
        if not finess.startswith((*expected, SYNTHETIC)):
            what = f"FINESS {finess} does not belong to postal code {postal_code}"
            why = f"establishments there have numbers that start with {' or '.join(expected)}"
            remedy = "correct one of the two (a SIREN passes the same check digit)"
            yield place.problem(("finess",), Words(what, why, remedy))


def finess_is_no_siren(region: LocatedRegion) -> Iterator[Problem]:
    """Find members whose SIREN was typed where a FINESS number belongs: both have nine digits and Luhn's key."""
    remedy = "copy the number from the FINESS register"
    for member in region.members:
        siren = member.value.siren
        words = Words(f"FINESS {siren} is the member's SIREN", "the two registers give different numbers", remedy)
        if siren is not None and member.value.finess == siren:
            yield member.problem(("finess",), words)
        for establishment in member.each("establishments", member.value.establishments):
            if siren is not None and establishment.value.finess == siren:
                yield establishment.problem(("finess",), words)
