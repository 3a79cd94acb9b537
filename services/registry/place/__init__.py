"""Places: a tree of territory paths with dated names, measures, attributes and household counts (A42, C02, C29, C50, C51, D04)."""

from services.registry.place.naming import register_place, rename_place  # isort: skip  # the order in which they are offered
from services.registry.place.measuring import count_households, measure_place  # isort: skip
from services.registry.place.describing import describe_place
from services.registry.place.ending import end_place, on_place_ended
from services.registry.place.rows import (
    ATTRIBUTE_ROW,
    ATTRIBUTES,
    HOUSEHOLDS,
    MEASURES,
    PLACE_ROW,
    PLACES,
    published,
    shown_place,
)
from services.registry.place.state import (
    PLACE,
    HouseholdsCounted,
    Place,
    PlaceDescribed,
    PlaceEnded,
    PlaceMeasured,
    PlaceRegistered,
    PlaceRenamed,
)

__all__ = [
    "ATTRIBUTES",
    "ATTRIBUTE_ROW",
    "HOUSEHOLDS",
    "MEASURES",
    "PLACE",
    "PLACES",
    "PLACE_ROW",
    "HouseholdsCounted",
    "Place",
    "PlaceDescribed",
    "PlaceEnded",
    "PlaceMeasured",
    "PlaceRegistered",
    "PlaceRenamed",
    "count_households",
    "describe_place",
    "end_place",
    "measure_place",
    "on_place_ended",
    "published",
    "register_place",
    "rename_place",
    "shown_place",
]
