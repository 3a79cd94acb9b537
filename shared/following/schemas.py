"""The marshmallow schema of a command or query: derived from its declaration, it is what checks each call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, missing

from shared.domain.command import Command
from shared.domain.fields import FieldError, Text
from shared.domain.query import Query
from shared.domain.structures import Field
from shared.domain.words import _, said


class Declared(fields.Field[Any]):
    """A field as its declaration says; `declaration` also says how a form asks for it."""

    def __init__(self, declaration: Field) -> None:
        least = {"minLength": 1} if declaration.required and isinstance(declaration.kind, Text) else {}
        super().__init__(
            required=declaration.required,
            load_default=missing if declaration.required else declaration.default,
            allow_none=not declaration.required,
            metadata={"description": declaration.about, **declaration.kind.facets, **least},
            error_messages={"required": said(_("is missing")), "null": said(_("must not be null"))},
        )
        self.declaration = declaration

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **more: Any
    ) -> Any:
        """The checked value."""
        name = self.declaration.name
        try:
            return self.declaration.load({} if value is missing else {name: value})
        except FieldError as error:
            raise ValidationError(error.reason) from None  # type: ignore[arg-type]  # sentences are texts


class DeclaredSchema(Schema):
    """A schema that was derived; fields that it does not know are refused."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": said(_("is not asked for"))}  # noqa: RUF012  # marshmallow reads it from the class


def schema_from(name: str, about: str, module: str, declared: Iterable[Field]) -> type[Schema]:
    """A schema of declared fields."""
    made: type[Schema] = type(  # a class of its own name for the OpenAPI document
        "".join(part.capitalize() for part in name.split("_")),
        (DeclaredSchema,),
        {"__doc__": about, "__module__": module, **{field.name: Declared(field) for field in declared}},
    )
    return made


@cache
def schema_of(declared: Command | Query) -> type[Schema]:
    """The schema of a declared command or query."""
    function = declared.decide if isinstance(declared, Command) else declared.read
    return schema_from(declared.name, declared.about, function.__module__, declared.fields)
