"""What may be decided about projects and their money; `books` counts, `duties` keeps persons apart, `project` folds."""

from services.funding.domain.money import (
    disclose,
    erase_payer,
    post_statement,
    record_receipt,
    return_surplus,
    reverse_receipt,
)
from services.funding.domain.payment import (
    amend_payment,
    make_payment,
    request_payment,
    review_payment,
    sign_payment,
    withdraw_payment,
)
from services.funding.domain.project import PROJECT, Project
from services.funding.domain.works import accept, approve, cancel, designate_signer, finish_works, propose

__all__ = [
    "PROJECT",
    "Project",
    "accept",
    "amend_payment",
    "approve",
    "cancel",
    "designate_signer",
    "disclose",
    "erase_payer",
    "finish_works",
    "make_payment",
    "post_statement",
    "propose",
    "record_receipt",
    "request_payment",
    "return_surplus",
    "reverse_receipt",
    "review_payment",
    "sign_payment",
    "withdraw_payment",
]
