"""The decisions of the registry, by aggregate. Rows of views are arguments; nothing here reads or writes."""

from services.registry.domain.organisation import ORGANISATION, Organisation, dissolve, establish
from services.registry.domain.person import PERSON, Person, erase, register_person
from services.registry.domain.place import PLACE, Place, count_households, measure, register_place
from services.registry.domain.post import POST, Post, abolish, appoint, end_appointment, establish_post
from services.registry.domain.profile import PROFILE, Profile, adopt

__all__ = [
    "ORGANISATION",
    "PERSON",
    "PLACE",
    "POST",
    "PROFILE",
    "Organisation",
    "Person",
    "Place",
    "Post",
    "Profile",
    "abolish",
    "adopt",
    "appoint",
    "count_households",
    "dissolve",
    "end_appointment",
    "erase",
    "establish",
    "establish_post",
    "measure",
    "register_person",
    "register_place",
]
