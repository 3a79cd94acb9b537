"""Numbers that rules use, which a city sets: days, counts, thresholds in fen."""

from __future__ import annotations

from collections.abc import Mapping

#: Days that anything may be dated back at most, whatever a city says.
LONGEST_WINDOW = 366
#: Parameters that rules read, with the least and the largest value; a city must have all of them but those with a value in `FORMER`.
PARAMETERS: Mapping[str, tuple[int, int]] = {
    "follow_up_tries": (1, 20),
    "claim_days": (1, 365),
    "longest_claim_days": (1, 365),
    "disclosure_days": (1, 3660),
    "late_entry_days": (0, LONGEST_WINDOW),
    "follow_up_spacing_hours": (1, 720),
    "reopened_working_days": (1, 250),
    "longest_day_minutes": (1, 24 * 60),
    "longest_limit_days": (1, 3660),
    "settling_days": (1, 3660),
    "repeat_days": (1, 3660),
    "bills_needed": (0, 1),
    "contracts_needed": (0, 1),
    "untaken_days": (1, 250),  # working days
    "reopen_days": (1, 3660),
    "link_days": (1, 3660),
    "anonymous_a_day": (0, 100_000),  # cases that one post takes in from nobody in particular
    "open_claims": (1, 1000),  # wishes that one person has claimed at a time
    "claim_releases": (1, 1000),  # claims that one person gives back or lets expire within a year
    "claim_parts": (0, 10),  # leading parts of a wish's place that a claimant's home shares; 2: the street
}
#: What parameters are in a city that adopted its entries before there were such: among them minutes that one person can serve in a day,
#: days that a time limit may lie ahead, and days that the private link of who reported something holds.
FORMER: Mapping[str, int] = {
    "longest_day_minutes": 12 * 60,
    "longest_limit_days": 3660,
    "late_entry_days": 7,
    "follow_up_spacing_hours": 12,
    "reopened_working_days": 10,
    "link_days": 180,
    "anonymous_a_day": 50,
    "open_claims": 5,
    "claim_releases": 5,
    "claim_parts": 2,
}
