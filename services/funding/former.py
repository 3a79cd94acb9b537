"""What facts said that lie in a project's stream since before receipts, payments and statements had streams of their own (decision 10).

Nothing is added to it any more: a receipt, payment or statement leaves for a stream of its own with the first command that it is given.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from services.funding.documents import Payment, Receipt, evolve_payment, evolve_receipt
from services.funding.facts import Posting, ReceiptFact, StatementDisclosed, StatementPosted
from services.funding.payment_facts import PaymentFact
from services.funding.voucher import normal_form


class Former(msgspec.Struct, frozen=True):
    """Receipts, payments and postings of statements by id."""

    receipts: dict[str, Receipt] = {}
    payments: dict[str, Payment] = {}
    statements: dict[str, tuple[Posting, ...]] = {}

    def received(self, event: ReceiptFact) -> Former:
        """After a fact about a receipt."""
        id = event.receipt_id
        receipt = evolve_receipt(self.receipts.get(id, Receipt(id)), event)
        return replace(self, receipts=self.receipts | {id: receipt})

    def paid(self, event: PaymentFact) -> Former:
        """After a fact about a payment."""
        id = event.payment_id
        payment = evolve_payment(self.payments.get(id, Payment(id=id)), event)
        return replace(self, payments=self.payments | {id: payment})

    def told(self, event: StatementDisclosed | StatementPosted) -> Former:
        """After a fact about a statement."""
        postings = self.statements.get(event.statement_id, ())
        if isinstance(event, StatementPosted):
            postings += (Posting(channel=event.channel, spot=event.spot, posted_on=event.posted_on),)
        return replace(self, statements=self.statements | {event.statement_id: postings})

    def without(self, id: str) -> Former:
        """Without a receipt or payment of which nothing can change any more."""
        if id not in self.receipts and id not in self.payments:
            return self
        return Former(
            {one: receipt for one, receipt in self.receipts.items() if one != id},
            {one: payment for one, payment in self.payments.items() if one != id},
            self.statements,
        )

    def uses(self, voucher: str) -> bool:
        """Whether a receipt that counts was recorded on a voucher."""
        number = normal_form(voucher)
        return any(normal_form(one.voucher) == number for one in self.receipts.values() if one.status == "recorded")
