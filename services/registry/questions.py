"""What callers may ask: one schema a query; unknown fields are refused."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.registry.inputs import CODE, ID, PATH, day, filter_by, string
from shared.views.port import LARGEST_PAGE


class Paged(Schema):
    """A page of a list."""

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, LARGEST_PAGE, error=f"must be a whole number from 1 to {LARGEST_PAGE}"),
        metadata={"description": "Rows on a page"},
    )
    cursor = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=1000),
        metadata={"description": "Where the next page begins"},
    )
    order = fields.String(
        load_default="key",
        validate=validate.Length(max=40),
        metadata={"description": "Field to sort by; with - in front: descending"},
    )


class GetProfile(Schema):
    """The city's profile in force, or an earlier version of it."""

    version = fields.Integer(load_default=0, metadata={"description": "Version; 0: the one in force"})


class FindPlaces(Paged):
    """Places of the territory tree."""

    place__under = filter_by("At this place and below", PATH)
    parent = fields.String(
        validate=validate.Length(max=120),
        metadata={"description": "Directly below this place; empty: the topmost places"},
    )
    kind = filter_by("Kind of place", CODE)


class GetPlace(Schema):
    """A place with the places above it, its measures and its households."""

    place = string("Territory path", PATH)


class FindOrganisations(Paged):
    """Organisations that exist on a day."""

    place__under = filter_by("For this place and below", PATH)
    place = filter_by("For exactly this place", PATH)
    parent_id = filter_by("Directly below this organisation", ID)
    level = filter_by("Level", CODE)
    type = filter_by("Type", CODE)
    on = string("Day; empty: today", day, required=False)


class OrganisationTree(Schema):
    """The organisations of a place as a tree."""

    place = string("Territory path; empty: the whole city", PATH, required=False)
    on = string("Day; empty: today", day, required=False)


class FindPosts(Paged):
    """Posts with their current holders."""

    place__under = filter_by("For this place and below", PATH)
    organisation_id = filter_by("Of this organisation", ID)
    role = filter_by("With this role", CODE)
    person_id = filter_by("Held last by this person", ID)
    vacant = fields.Boolean(metadata={"description": "true: only posts that nobody holds or is appointed to"})


class FindAppointments(Paged):
    """Terms of office, past ones too."""

    post_id = filter_by("Of this post", ID)
    person_id = filter_by("Of this person", ID)
    organisation_id = filter_by("Of this organisation", ID)
    place__under = filter_by("For this place and below", PATH)


class PostsOfPerson(Schema):
    """The posts that a person holds."""

    person_id = string("The person", ID)
    on = string("Day; empty: today", day, required=False)


class FindPersons(Paged):
    """Registered persons with their names, for staff who may read them."""

    place__under = filter_by("Registered at this place and below", PATH)


class PersonNames(Schema):
    """Names of persons, masked for those who may not read them."""

    person_ids = fields.List(
        fields.String(validate=ID),
        required=True,
        validate=validate.Length(0, LARGEST_PAGE, error=f"at most {LARGEST_PAGE} persons at a time"),
        metadata={"description": "The persons"},
    )


class CountFigures(Schema):
    """The registry's figures of a place on a day."""

    place = string("Territory path; empty: the whole city", PATH, required=False)
    on = string("Day; empty: today", day, required=False)


QUERIES: dict[str, type[Schema]] = {
    "get_profile": GetProfile,
    "find_places": FindPlaces,
    "get_place": GetPlace,
    "find_organisations": FindOrganisations,
    "organisation_tree": OrganisationTree,
    "find_posts": FindPosts,
    "find_appointments": FindAppointments,
    "posts_of_person": PostsOfPerson,
    "find_persons": FindPersons,
    "person_names": PersonNames,
    "count_figures": CountFigures,
}
