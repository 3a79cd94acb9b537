"""Documents: rules, conventions, duty lists and policies of a body; each version is drafted, heard, adopted, posted, acknowledged (A25)."""

from services.registry.regulation.forgetting import on_households_forgotten
from services.registry.regulation.households import (
    NOTES,
    acknowledge_regulation,
    erase_household_note,
    forget_households,
    notes_forgotten,
)
from services.registry.regulation.making import (
    adopt_regulation,
    answer_comment,
    comment_draft,
    draft_regulation,
    end_regulation,
    invite_comments,
    post_regulation,
    withdraw_draft,
)
from services.registry.regulation.responses import (
    RESPONSE,
    RESPONSES,
    answer_notice,
    answers_forgotten,
    erase_answer,
    find_responses,
)
from services.registry.regulation.rows import REGULATIONS
from services.registry.regulation.state import ACKNOWLEDGEMENT, REGULATION

__all__ = [
    "ACKNOWLEDGEMENT",
    "NOTES",
    "REGULATION",
    "REGULATIONS",
    "RESPONSE",
    "RESPONSES",
    "acknowledge_regulation",
    "adopt_regulation",
    "answer_comment",
    "answer_notice",
    "answers_forgotten",
    "comment_draft",
    "draft_regulation",
    "end_regulation",
    "erase_answer",
    "erase_household_note",
    "find_responses",
    "forget_households",
    "invite_comments",
    "notes_forgotten",
    "on_households_forgotten",
    "post_regulation",
    "withdraw_draft",
]
