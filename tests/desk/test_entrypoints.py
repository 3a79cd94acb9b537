"""A service answers what its definition declares, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.catalogue import OWNERS, definition, service_class
from shared.domain.city_rows import REGISTRY
from shared.following.definition import Definition
from shared.following.schemas import schema_from
from shared.service.operations import OPERATIONS
from shared.service.service import Followed, query, serves


@pytest.mark.parametrize("name", OWNERS)
def test_every_command_and_query_has_an_entrypoint_and_every_entrypoint_its_schema(name: str) -> None:
    found, cls = definition(name), service_class(name)
    entrypoints = {each for each in dir(cls) if getattr(getattr(cls, each), "checks", False)}
    only_here = set() if name == REGISTRY else {"bring_in"}  # tables are brought into the registry only
    assert entrypoints == {*found.commands_checked, *found.queries_checked, *OPERATIONS} - only_here


def test_an_entrypoint_by_hand_fits_its_schema() -> None:
    asked = schema_from("find_lamps", "Lamps.", __name__, ())

    class Without(Followed):
        @query
        def find_lamps(self) -> dict[str, Any]:
            return {}

    class Other(Followed):
        @query
        def find_lamps(self, place: str) -> dict[str, Any]:
            return {}

    with pytest.raises(TypeError, match=r"test_entrypoints\.py:\d+: find_lamps has no schema in lamps"):
        serves(Definition("lamps"))(Without)
    with pytest.raises(TypeError, match=r"test_entrypoints\.py:\d+: find_lamps does not take what its schema gives"):
        serves(Definition("lamps", query_schemas={"find_lamps": asked}))(Other)
    serves(Definition("lamps", query_schemas={"find_lamps": asked}))(Without)
