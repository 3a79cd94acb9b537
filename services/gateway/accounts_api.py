"""Accounts and sign-in under /api."""

from __future__ import annotations

import time
from typing import Any

from flask import Response, jsonify
from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from services.gateway.accounts import Accounts
from services.gateway.api import LinliBlueprint, parameters
from services.gateway.current import Current
from services.gateway.operators import Operators
from services.gateway.passwords import LONGEST, SHORTEST
from services.gateway.session import Gateway
from shared.domain.errors import ForbiddenError, UnauthenticatedError
from shared.domain.words import _, said

_USERNAME = validate.Regexp(
    r"^[a-z0-9][a-z0-9._@-]{1,63}$", error=said(_("must be 2 to 64 small letters, digits or . _ @ -"))
)
_PERSON = validate.Regexp(
    r"^[a-z0-9][a-z0-9-]{1,63}$",
    error=said(_("must be 2 to 64 small letters, digits and hyphens, not starting with a hyphen")),
)
_NEW_PASSWORD = validate.Length(min=SHORTEST, max=LONGEST, error=said(_("must have 10 to 200 characters")))
_CODE = validate.Regexp(r"^[0-9]{6}$", error=said(_("must be the six digits that your telephone shows")))


class Strict(Schema):
    """Refuses what it does not know."""

    class Meta:
        unknown = RAISE


class SignIn(Strict):
    """Sign in with a local account."""

    username = fields.String(
        required=True, validate=validate.Length(min=1, max=64), metadata={"description": "name of the account"}
    )
    password = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata={"description": "its password"}
    )
    code = fields.String(
        load_default="",
        validate=validate.Length(max=20),
        metadata={"description": "number of the second factor, where the account has one"},
    )


class Empty(Strict):
    """Takes no arguments."""


class SignInsAsked(Strict):
    """Where you are signed in."""


class EndSignIn(Strict):
    """End one of your sign-ins, on whatever machine it is."""

    sign_in_id = fields.String(
        required=True, validate=validate.Length(min=1, max=64), metadata={"description": "the sign-in, from the list"}
    )


class CreateAccount(Strict):
    """Give a person or an operator an account."""

    username = fields.String(required=True, validate=_USERNAME, metadata={"description": "name to sign in with"})
    password = fields.String(required=True, validate=_NEW_PASSWORD, metadata={"description": "first password"})
    kind = fields.String(
        load_default="person",
        validate=validate.OneOf(["person", "operator"]),
        metadata={"description": "whose account it is"},
    )
    person_id = fields.String(
        load_default="", validate=_PERSON, metadata={"description": "the registered person; not for operators"}
    )

    until = fields.Date(
        load_default=None,
        metadata={"description": "last day of the account; an operator's ends after a year where none is given"},
    )

    @validates_schema
    def check_person(self, ask: dict[str, Any], **more: Any) -> None:
        """A person's account names the person, an operator's does not."""
        if ask["kind"] == "person" and not ask["person_id"]:
            raise ValidationError(said(_("name the person that the account is for")), "person_id")
        if ask["kind"] == "operator" and ask["person_id"]:
            raise ValidationError(said(_("an operator acts as nobody")), "person_id")


class FindAccounts(Strict):
    """List accounts by name."""

    limit = fields.Integer(
        load_default=50, validate=validate.Range(min=1, max=500), metadata={"description": "rows a page"}
    )
    cursor = fields.String(
        load_default=None, validate=validate.Length(max=500), metadata={"description": "where the page begins"}
    )


class RemoveAccount(Strict):
    """Take an account away; its sign-ins end."""

    username = fields.String(
        required=True, validate=validate.Length(min=1, max=64), metadata={"description": "name of the account"}
    )


class ResetPassword(RemoveAccount):
    """Give an account another password; its sign-ins end."""

    password = fields.String(required=True, validate=_NEW_PASSWORD, metadata={"description": "next password"})


class ExtendAccount(RemoveAccount):
    """Give an account another last day."""

    until = fields.Date(required=True, metadata={"description": "last day"})


class ResetSecondFactor(RemoveAccount):
    """Take the second factor of an account away, so that a new one can be set up; its sign-ins end."""

    checked = fields.String(
        required=True,
        validate=validate.Length(min=5, max=200),
        metadata={
            "description": "how you made sure who it is, for the record, at least as when the account was made",
            "examples": ["came to the counter with the identity card"],
        },
    )


class BeginSecondFactor(Strict):
    """Begin a second factor: the secret for an application on your telephone."""

    password = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata={"description": "your password"}
    )


class ConfirmSecondFactor(Strict):
    """Show with a first number that the application has the secret; all your sign-ins end."""

    code = fields.String(
        required=True, validate=_CODE, metadata={"description": "number that it shows", "examples": ["492039"]}
    )


class ChangePassword(Strict):
    """Change your own password; all your sign-ins end."""

    old = fields.String(
        required=True, validate=validate.Length(min=1, max=200), metadata={"description": "password until now"}
    )
    new = fields.String(required=True, validate=_NEW_PASSWORD, metadata={"description": "password from now on"})


def require_operator(gateway: Gateway) -> Current:
    """Who asks, when it is an operator. Raises `UnauthenticatedError` or `ForbiddenError`."""
    current = gateway.current()
    if not current.signed_in:
        raise UnauthenticatedError(_("sign in as an operator first"))
    if current.kind != "operator":
        raise ForbiddenError(_("only an operator may do this"))
    return current


def describe(gateway: Gateway, current: Current) -> dict[str, Any]:
    """What a client needs to know of who it acts as."""
    return {
        "kind": current.kind,
        "person_id": current.person_id,
        "username": current.username,
        "posts": list(current.posts),
        "post": current.post,
        "needs": list(current.needs),
    }


def create_accounts_api(gateway: Gateway, accounts: Accounts, operators: Operators) -> LinliBlueprint:
    """Sign-in for everybody, accounts for operators."""
    blueprint = LinliBlueprint("api_accounts", __name__, url_prefix="/api", description="Accounts and sign-in")

    def documented(summary: type[Schema], status: int = 200) -> Any:
        return blueprint.doc(
            summary=(summary.__doc__ or "").strip().splitlines()[0],
            tags=["accounts"],
            parameters=[
                header for header in parameters(True) if header["name"] in ("X-CSRF-Token", "X-Correlation-Id")
            ],
            responses={
                str(status): {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}}
            },
        )

    @blueprint.route("/sign-in", methods=["POST"])
    @blueprint.arguments(SignIn)
    @documented(SignIn)
    def sign_in(ask: dict[str, Any]) -> Response:
        token, identity = gateway.sign_in(ask["username"], ask["password"], ask["code"])
        expires = int(time.time()) + gateway.credentials.lifetime
        return jsonify(
            {
                "token": token,
                "expires": expires,
                "csrf": gateway.csrf(),
                "kind": identity.kind,
                "username": identity.username,
                "needs": list(identity.needs),
            }
        )

    @blueprint.route("/sign-out", methods=["POST"])
    @blueprint.arguments(Empty)
    @documented(Empty)
    def sign_out(_: Any) -> Response:
        """End the sign-in for good."""
        gateway.sign_out()
        return jsonify({"signed_out": True})

    @blueprint.route("/sign-ins", methods=["GET"])
    @blueprint.arguments(SignInsAsked, location="query")
    @documented(SignInsAsked)
    def sign_ins(_: Any) -> Response:
        return jsonify({"rows": gateway.sign_ins()})

    @blueprint.route("/sign-ins/end", methods=["POST"])
    @blueprint.arguments(EndSignIn)
    @documented(EndSignIn)
    def end_sign_in(ask: dict[str, Any]) -> Response:
        gateway.end_sign_in(ask["sign_in_id"])
        return jsonify({"signed_out": True})

    @blueprint.route("/me", methods=["GET"])
    @blueprint.arguments(Empty, location="query")
    @documented(Empty)
    def me(_: Any) -> Response:
        """Who you are, and the posts you may act from."""
        current = gateway.current()
        answer = describe(gateway, current)
        return jsonify(answer if not gateway.by_cookie() else answer | {"csrf": gateway.csrf()})

    @blueprint.route("/accounts", methods=["POST"])
    @blueprint.arguments(CreateAccount)
    @documented(CreateAccount, 201)
    def create_account(ask: dict[str, Any]) -> Response:
        response = jsonify(operators.make_account(require_operator(gateway), ask))
        response.status_code = 201
        return response

    @blueprint.route("/accounts", methods=["GET"])
    @blueprint.arguments(FindAccounts, location="query")
    @documented(FindAccounts)
    def find_accounts(ask: dict[str, Any]) -> Response:
        require_operator(gateway)
        return jsonify(accounts.find(ask["limit"], ask["cursor"]))

    @blueprint.route("/accounts/remove", methods=["POST"])
    @blueprint.arguments(RemoveAccount)
    @documented(RemoveAccount)
    def remove_account(ask: dict[str, Any]) -> Response:
        return jsonify(operators.remove_account(require_operator(gateway), ask))

    @blueprint.route("/accounts/reset-password", methods=["POST"])
    @blueprint.arguments(ResetPassword)
    @documented(ResetPassword)
    def reset_password(ask: dict[str, Any]) -> Response:
        return jsonify(operators.reset_password(require_operator(gateway), ask))

    @blueprint.route("/accounts/reset-second-factor", methods=["POST"])
    @blueprint.arguments(ResetSecondFactor)
    @documented(ResetSecondFactor)
    def reset_second_factor(ask: dict[str, Any]) -> Response:
        return jsonify(operators.reset_second_factor(require_operator(gateway), ask))

    @blueprint.route("/accounts/extend", methods=["POST"])
    @blueprint.arguments(ExtendAccount)
    @documented(ExtendAccount)
    def extend_account(ask: dict[str, Any]) -> Response:
        return jsonify(operators.extend_account(require_operator(gateway), ask))

    @blueprint.route("/second-factor/begin", methods=["POST"])
    @blueprint.arguments(BeginSecondFactor)
    @documented(BeginSecondFactor)
    def begin_second_factor(ask: dict[str, Any]) -> Response:
        secret, address = gateway.begin_factor(ask["password"])
        return jsonify({"secret": secret, "address": address})

    @blueprint.route("/second-factor/confirm", methods=["POST"])
    @blueprint.arguments(ConfirmSecondFactor)
    @documented(ConfirmSecondFactor)
    def confirm_second_factor(ask: dict[str, Any]) -> Response:
        gateway.confirm_factor(ask["code"])
        return jsonify({"second_factor": True})

    @blueprint.route("/password", methods=["POST"])
    @blueprint.arguments(ChangePassword)
    @documented(ChangePassword)
    def change_password(ask: dict[str, Any]) -> Response:
        gateway.change_password(ask["old"], ask["new"])
        return jsonify({"changed": True})

    return blueprint
