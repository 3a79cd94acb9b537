"""Selections: candidates are looked for, named, judged, accepted and elected; the result fills posts (A10, A16–A20, D06, D13)."""

from services.registry.selection.candidates import (
    accept_candidate,
    attest_criterion,
    nominate_candidate,
    scout_candidate,
)
from services.registry.selection.rows import SELECTIONS
from services.registry.selection.state import (
    SELECTION,
    BallotHeld,
    CandidateAccepted,
    CandidateNominated,
    CandidateRejected,
    CandidateScouted,
    CandidateSeated,
    CriterionAttested,
    RecommendingBegan,
    Selection,
    SelectionCancelled,
    SelectionClosed,
    SelectionOpened,
    VotingBegan,
)
from services.registry.selection.voting import (
    begin_recommending,
    begin_voting,
    cancel_selection,
    close_selection,
    open_selection,
    record_ballot,
    seat_candidate,
)

__all__ = [
    "SELECTION",
    "SELECTIONS",
    "BallotHeld",
    "CandidateAccepted",
    "CandidateNominated",
    "CandidateRejected",
    "CandidateScouted",
    "CandidateSeated",
    "CriterionAttested",
    "RecommendingBegan",
    "Selection",
    "SelectionCancelled",
    "SelectionClosed",
    "SelectionOpened",
    "VotingBegan",
    "accept_candidate",
    "attest_criterion",
    "begin_recommending",
    "begin_voting",
    "cancel_selection",
    "close_selection",
    "nominate_candidate",
    "open_selection",
    "record_ballot",
    "scout_candidate",
    "seat_candidate",
]
