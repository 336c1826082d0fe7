"""Records of what was done: that there is a place for them, and how long logs are kept.

The HDS référentiel gives no duration.  The figures are those of other texts, and each message names the one it is from.
"""

from collections.abc import Iterator

from inventory.key_policy import OWN
from inventory.located import LocatedRegion
from inventory.problems import Problem, Words
from inventory.rules.health_data import hosted_health_data

SHORTEST_DAYS, LONGEST_DAYS = 183, 365
"""Six months, which SecNumCloud 12.6 and the CNIL (2021-122) begin with, and the twelve that the CNIL ends with."""


def logs_are_kept_as_long_as_is_recommended(region: LocatedRegion) -> Iterator[Problem]:
    """Find logs that are kept for less or for longer than texts recommend, unless another text is named."""
    logs = region.sheet.value.logs if region.sheet else None
    if region.sheet is None or logs is None or logs.source != OWN:
        return
    if not SHORTEST_DAYS <= logs.kept_days <= LONGEST_DAYS:
        what = f"logs are kept for {logs.kept_days} days"
        why = "the CNIL (2021-122) recommends six months to a year and SecNumCloud 12.6 at least six months"
        remedy = f"write {SHORTEST_DAYS} to {LONGEST_DAYS} or name in source the text that asks for another duration"
        yield region.sheet.problem(("logs", "kept_days"), Words(what, why, remedy))


def hosted_health_data_leaves_records(region: LocatedRegion) -> Iterator[Problem]:
    """Find health data in production beside which neither evidence nor logs have a place where nobody removes them."""
    if region.sheet is None or not any(hosted_health_data(region)):
        return
    sheet = region.sheet.value
    asked = {
        "evidence": (sheet.evidence, "ISO/IEC 27001:2022 A.5.33 asks that records be protected"),
        "logs": (sheet.logs, "ISO/IEC 27001:2022 A.8.15 asks that logs be kept and protected"),
    }
    for key, (kept, why) in asked.items():
        if kept is None:
            what = f"nothing says where {key} of hosted health data {'are' if key == 'logs' else 'is'} kept"
            yield region.sheet.problem((key,), Words(what, why, f"add {key} with the id of a store"))
