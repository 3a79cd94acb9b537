"""Posts and who holds them: one person at a time, with dates; powers follow from them in every service (A11, C13)."""

from services.registry.post.going_with import FALLS_VACANT
from services.registry.post.holding import appoint_person, end_appointment
from services.registry.post.rows import APPOINTMENTS, POSTS
from services.registry.post.standing import abolish_post, establish_post
from services.registry.post.state import (
    POST,
    AppointmentEnded,
    PersonAppointed,
    Post,
    PostAbolished,
    PostEstablished,
)
from services.registry.post.succession import (
    SUCCEEDS,
    SUCCESSION,
    SUCCESSIONS,
    name_successor,
    withdraw_successor,
)
from services.registry.post.vacancy import VACANCIES, VACANCY, VACANT

__all__ = [
    "APPOINTMENTS",
    "FALLS_VACANT",
    "POST",
    "POSTS",
    "SUCCEEDS",
    "SUCCESSION",
    "SUCCESSIONS",
    "VACANCIES",
    "VACANCY",
    "VACANT",
    "AppointmentEnded",
    "PersonAppointed",
    "Post",
    "PostAbolished",
    "PostEstablished",
    "abolish_post",
    "appoint_person",
    "end_appointment",
    "establish_post",
    "name_successor",
    "withdraw_successor",
]
