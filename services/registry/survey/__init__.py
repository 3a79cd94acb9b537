"""Surveys: households are asked about a place or a body, one answer each, and what is counted never says who (B26, D09, D38, D39).

The kinds are catalogue entries of the list `surveys`: satisfaction with a facility by quarter, consent to works with what is told at
the door, members found from door to door. Households are sealed and answers of fewer than the kind's least are not shown.
"""

from __future__ import annotations

from services.registry.survey.asking import answer_survey, close_survey, forget_answerers, open_survey
from services.registry.survey.forgetting import ANSWERERS, answerers_forgotten, erase_answerer, on_answerers_forgotten
from services.registry.survey.rows import SHEETS, SURVEYS
from services.registry.survey.state import SHEET, SURVEY

__all__ = [
    "ANSWERERS",
    "SHEET",
    "SHEETS",
    "SURVEY",
    "SURVEYS",
    "answer_survey",
    "answerers_forgotten",
    "close_survey",
    "erase_answerer",
    "forget_answerers",
    "on_answerers_forgotten",
    "open_survey",
]
