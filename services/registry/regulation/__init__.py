"""Documents: rules, conventions, duty lists and policies of a body; each version is drafted, heard, adopted, posted, acknowledged (A25)."""

from services.registry.regulation.households import acknowledge_regulation, forget_households
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
from services.registry.regulation.responses import RESPONSE, RESPONSES, answer_notice, find_responses
from services.registry.regulation.rows import REGULATIONS
from services.registry.regulation.state import ACKNOWLEDGEMENT, REGULATION

__all__ = [
    "ACKNOWLEDGEMENT",
    "REGULATION",
    "REGULATIONS",
    "RESPONSE",
    "RESPONSES",
    "acknowledge_regulation",
    "adopt_regulation",
    "answer_comment",
    "answer_notice",
    "comment_draft",
    "draft_regulation",
    "end_regulation",
    "find_responses",
    "forget_households",
    "invite_comments",
    "post_regulation",
    "withdraw_draft",
]
