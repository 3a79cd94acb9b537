"""What callers may send: one schema a command; unknown fields are refused. What they may ask is in `questions.py`."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.registry.inputs import (
    CODE,
    ID,
    LARGEST_VALUE,
    PATH,
    POWER,
    day,
    number,
    qualifier,
    string,
    text,
)
from services.registry.questions import QUERIES
from shared.domain.event import LARGEST_INTEGER


class LevelOfTree(Schema):
    """A level of the organisation tree."""

    code = string("Code of the level", CODE)
    zh = text("Name in Chinese", 40)
    en = text("Name in English", 80)


class RoleOfPost(Schema):
    """A role that posts can have."""

    code = string("Code of the role", CODE)
    zh = text("Name in Chinese", 40)
    en = text("Name in English", 80)
    level = string("Level of organisations that have it; empty: any", CODE, required=False)


class TermOfList(Schema):
    """The words of a code."""

    zh = text("Word in Chinese", 200)
    en = text("Word in English", 400)


class AdoptProfile(Schema):
    """Adopt a version of the city's profile."""

    profile_id = string("Id of the profile; stays the same in all versions", ID)
    city = text("Name of the city")
    version = number("Version; must grow", 1, 10**6)
    effective = string("Day it rules from, not ahead; empty: today", day, required=False)
    levels = fields.List(
        fields.Nested(LevelOfTree),
        required=True,
        validate=validate.Length(1, 20, error="a city has 1 to 20 levels"),
        metadata={"description": "Levels of the organisation tree, from the top down"},
    )
    roles = fields.List(
        fields.Nested(RoleOfPost),
        required=True,
        validate=validate.Length(0, 300, error="at most 300 roles"),
        metadata={"description": "Roles that posts can have"},
    )
    powers = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.List(fields.String(validate=POWER), validate=validate.Length(0, 300, error="at most 300 powers")),
        required=True,
        metadata={"description": "Role to the powers it gives"},
    )
    code_lists = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.Dict(
            keys=fields.String(validate=CODE),
            values=fields.Nested(TermOfList),
            validate=validate.Length(0, 1000, error="at most 1000 codes in a list"),
        ),
        load_default=dict,
        validate=validate.Length(0, 200, error="at most 200 code lists"),
        metadata={
            "description": "Lists of codes with their words: organisation_types, place_kinds and measures are checked "
            "when given; checklists and duty catalogues are lists too"
        },
    )
    parameters = fields.Dict(
        keys=fields.String(validate=CODE),
        values=fields.Integer(
            strict=True,
            validate=validate.Range(-LARGEST_INTEGER, LARGEST_INTEGER, error="must be an integer below 2^53"),
        ),
        load_default=dict,
        metadata={"description": "Numbers that rules use: days, thresholds in fen, counts"},
    )


class RegisterPlace(Schema):
    """Register a place below its parent."""

    place = string("Territory path: the parent's path and one segment more", PATH)
    kind = string("Kind: street, community, area, compound, yard, building or another of the city's", CODE)
    name = text("Name in Chinese")
    name_en = text("Name in English", 200, required=False)
    parent = string("Path of the parent; empty for a topmost place", PATH, required=False)


class MeasurePlace(Schema):
    """Record a measure of a place."""

    place = string("Territory path", PATH)
    measure = string("What is measured, such as area, residents or built", CODE)
    value = number("Value in the unit", 0, LARGEST_VALUE)
    unit = string("Unit, such as m2, persons or year; the same for one measure of a place", CODE)
    qualifier = qualifier()
    source = text("Where it is known from", 400, required=False)
    since = string("Day from which it holds, not ahead; empty: today", day, required=False)


class CountHouseholds(Schema):
    """Record how many households a building has."""

    place = string("Territory path of a building, or of a place not counted by building", PATH)
    households = number("Number of households; 0 takes a count back", 0, 10**7)
    as_of = string("Day of the count, not ahead; empty: today", day, required=False)
    qualifier = qualifier()


class EstablishOrganisation(Schema):
    """Establish an organisation in the tree."""

    organisation_id = string("Id of one's own choice; empty: a new one", ID, required=False)
    type = string("Type, from the city's organisation_types", CODE)
    name = text("Name in Chinese")
    name_en = text("Name in English", 200, required=False)
    level = string("Level, from the city's profile", CODE)
    place = string("Territory path it is for", PATH)
    parent_id = string("Organisation of a higher level above it; empty for a topmost one", ID, required=False)
    since = string("First day; empty: today", day, required=False)


class DissolveOrganisation(Schema):
    """End an organisation that has nothing below it and no posts held."""

    organisation_id = string("The organisation", ID)
    until = string("First day without it, not ahead; empty: today", day, required=False)
    reason = text("Why", 400)


class EstablishPost(Schema):
    """Establish a post of an organisation."""

    post_id = string("Id of one's own choice; empty: a new one", ID, required=False)
    organisation_id = string("The organisation", ID)
    role = string("Role, from the city's profile: gives the powers", CODE)
    title = text("Title in Chinese")
    title_en = text("Title in English", 200, required=False)
    place = string("Territory path the powers reach; empty: the organisation's place", PATH, required=False)
    ex_officio_post_id = string("Only the holder of this other post can hold it", ID, required=False)


class AbolishPost(Schema):
    """End a post that nobody holds."""

    post_id = string("The post", ID)
    until = string("First day without it, not ahead; empty: today", day, required=False)
    reason = text("Why", 400)


class RegisterPerson(Schema):
    """Register a person who may hold posts; the name is sealed."""

    person_id = string("Id of one's own choice, without the name in it; empty: a new one", ID, required=False)
    name = text("Name")
    place = string("Place whose staff may read the name; empty: the place of one's own post", PATH, required=False)


class AppointPerson(Schema):
    """Appoint a person to a post that nobody holds."""

    post_id = string("The post", ID)
    person_id = string("The person", ID)
    since = string("First day; empty: today", day, required=False)
    until = string("First day after; empty: open", day, required=False)


class EndAppointment(Schema):
    """End the appointment of a post's holder."""

    post_id = string("The post", ID)
    person_id = string("Its holder", ID)
    until = string("First day without the post; empty: today", day, required=False)
    reason = text("Why", 400, required=False)


class ErasePerson(Schema):
    """Erase a person's data for good by destroying their key."""

    person_id = string("The person", ID)
    reason = text("Why, without personal data", 400)


COMMANDS: dict[str, type[Schema]] = {
    "adopt_profile": AdoptProfile,
    "register_place": RegisterPlace,
    "measure_place": MeasurePlace,
    "count_households": CountHouseholds,
    "establish_organisation": EstablishOrganisation,
    "dissolve_organisation": DissolveOrganisation,
    "establish_post": EstablishPost,
    "abolish_post": AbolishPost,
    "register_person": RegisterPerson,
    "appoint_person": AppointPerson,
    "end_appointment": EndAppointment,
    "erase_person": ErasePerson,
}

__all__ = ["COMMANDS", "QUERIES"]
