"""What callers may ask to be done: shape only, rules are in the domain. Amounts are fen, days ISO dates."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.funding.events import BODIES, SOURCES
from services.funding.schemas.shapes import CODE, ID, PLACE, code, day, fen, id_of, judged, optional, string, text

PAYER_KINDS = ("organisation", "person")
CHANNELS = ("portal", "notice_board", "message")


class Item(Schema):
    """An item of a list that the city words itself."""

    code = string(CODE, "Code, unique in its list", required=True)
    zh = text(100, "Chinese text")
    en = text(200, "English text")


class OfProject(Schema):
    """Names a project."""

    project_id = id_of("Project")


class OfPayment(OfProject):
    """Names a payment of a project."""

    payment_id = id_of("Payment, as request_payment answered it")


class ProposeProject(Schema):
    """Propose a project with a budget shared by three sources and criteria of acceptance."""

    project_id = id_of("Id of the caller's choice; made if absent", required=False, load_default="")
    title = text(200, "Title in Chinese")
    title_en = optional(200, "Title in English; the Chinese one if absent")
    place = string(PLACE, "Where the works are: territory path", required=True)
    programme = fields.String(
        validate=validate.Regexp(r"^([a-z0-9][a-z0-9_-]{0,39})?$(?!\n)", error="a code of a-z, 0-9, _ and -"),
        load_default="",
        metadata={"description": "Code of the renovation programme the project belongs to"},
    )
    works = fields.List(
        fields.Nested(Item),
        load_default=list,
        validate=validate.Length(max=50, error="at most 50"),
        metadata={"description": "Kinds of works"},
    )
    issue_ids = fields.List(
        id_of("Issue", required=False),
        load_default=list,
        validate=validate.Length(max=200, error="at most 200"),
        metadata={"description": "Issues that the project is to solve"},
    )
    budget_fen = fen("Budget in fen", required=True)
    shares = fields.Dict(
        keys=code(SOURCES, "Source"),
        values=fen("Amount in fen", least=0),
        required=True,
        metadata={"description": "Planned amount of each source in fen; sums to the budget"},
    )
    criteria = fields.List(
        fields.Nested(Item),
        required=True,
        validate=validate.Length(1, 50, error="1 to 50 criteria"),
        metadata={"description": "What the works must meet to be accepted"},
    )


class ApproveProject(OfProject):
    """Let a project collect and spend money."""

    resolution = optional(100, "Id of the residents' resolution the approval rests on")


class CancelProject(OfProject):
    """Give a project up."""

    reason = text(500, "Why")


class DesignateSigner(OfProject):
    """Name the one person who signs the project's payments from now on."""

    person_id = id_of("Person")


class RecordReceipt(OfProject):
    """Book money that came in from one source."""

    source = code(SOURCES, "Where the money comes from", required=True)
    payer = text(200, "Name of the organisation or person that paid; a person's is stored sealed")
    payer_kind = code(PAYER_KINDS, "Whether the payer is an organisation or a person", load_default="organisation")
    amount_fen = fen("Amount in fen", required=True)
    voucher = optional(64, "Number of the paper voucher; counts once in a project")


class ReverseReceipt(OfProject):
    """Take a wrongly recorded receipt out of the books."""

    receipt_id = id_of("Receipt, as record_receipt answered it")
    reason = text(500, "Why")


class ErasePayer(OfProject):
    """Make the name of a paying person unreadable for good."""

    receipt_id = id_of("Receipt")


class RequestPayment(OfProject):
    """Ask that a bill of the project be paid."""

    payee = text(200, "Name of the organisation or person to be paid; a person's is stored sealed")
    payee_kind = code(PAYER_KINDS, "Whether the payee is an organisation or a person", load_default="organisation")
    purpose = text(500, "What for")
    amount_fen = fen("Amount in fen", required=True)


class AmendPayment(OfPayment):
    """Change a request for payment, or ask again after a rejection; voids reviews and signature."""

    payee = text(200, "Who is to be paid; unchanged if absent", required=False, load_default=None)
    payee_kind = code(PAYER_KINDS, "Organisation or person, given together with the payee", load_default=None)
    purpose = text(500, "What for; unchanged if absent", required=False, load_default=None)
    amount_fen = fen("Amount in fen; unchanged if absent", load_default=None)

    @validates_schema
    def _kind_with_name(self, data: dict[str, Any], **options: Any) -> None:
        if data["payee"] is None and data["payee_kind"] is not None:
            raise ValidationError({"payee_kind": ["name the payee together with the kind"]})


class WithdrawPayment(OfPayment):
    """Take a request for payment back."""

    reason = text(500, "Why")


class Read(OfPayment):
    """What the caller has read of a payment before judging it."""

    version = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(1, 10**6, error="1 or more"),
        metadata={"description": "Version of the payment that was read"},
    )
    amount_fen = fen("Amount that was read, in fen", required=True)


class ReviewPayment(Read):
    """Approve or reject a payment for one of the three bodies."""

    body = code(BODIES, "Body that reviews", required=True)
    verdict = code(("approved", "rejected"), "Outcome", required=True)
    reason = optional(500, "Why; needed for a rejection")


class SignPayment(Read):
    """Sign a payment that all three bodies approved."""


class MakePayment(OfPayment):
    """Pay a signed payment."""


class FinishWorks(OfProject):
    """Say that the works are finished."""


class AcceptProject(OfProject):
    """Accept finished works by their criteria, checking every issue on its own."""

    criteria = judged(CODE, "Criterion to whether it is met; all criteria of the project", required=True)
    issues = judged(ID, "Issue to whether it is solved; all issues of the project", load_default=dict)


class ReturnSurplus(OfProject):
    """Return what was not spent to its sources and close the books."""


class DiscloseStatement(OfProject):
    """Publish income and spending by source as they stand."""


class PostStatement(OfProject):
    """Record where residents can see a statement."""

    statement_id = id_of("Statement, as disclose_statement answered it")
    channel = code(CHANNELS, "Where it was put up", required=True)
    spot = optional(100, "Which board or group")
    posted_on = string(day, "Day on which it was put up; today if absent", load_default="")


COMMANDS: dict[str, type[Schema]] = {
    "propose_project": ProposeProject,
    "approve_project": ApproveProject,
    "cancel_project": CancelProject,
    "designate_signer": DesignateSigner,
    "record_receipt": RecordReceipt,
    "reverse_receipt": ReverseReceipt,
    "erase_payer": ErasePayer,
    "request_payment": RequestPayment,
    "amend_payment": AmendPayment,
    "withdraw_payment": WithdrawPayment,
    "review_payment": ReviewPayment,
    "sign_payment": SignPayment,
    "make_payment": MakePayment,
    "finish_works": FinishWorks,
    "accept_project": AcceptProject,
    "return_surplus": ReturnSurplus,
    "disclose_statement": DiscloseStatement,
    "post_statement": PostStatement,
}
