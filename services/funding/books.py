"""The arithmetic of the books: accounts, double entries, how a payment draws on the three sources. Amounts are fen.

Accounts
    bank.income          money of the income track: every receipt goes in whole (asset)
    bank.spending        money of the spending track: filled from the income track for exactly one payment (asset)
    income.<source>      received from a source (credit side)
    spending.<source>    spent, by the source that gave it (debit side)
    payable              owed to payees; nothing is left on it after a payment (liability)
    returned.<source>    surplus given back to a source (debit side)

Income and spending never meet on one line: a payment first moves money from the income track to the spending track and
then pays out of that; nothing is netted and nothing is taken out of an income account to spend it (D32).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

#: Where money comes from: a partition, each fen has exactly one source (C22, X03). Each has its accounts.
SOURCES = ("government", "society", "residents")


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a journal entry: exactly one of the two amounts is not 0."""

    account: str
    debit_fen: int = 0
    credit_fen: int = 0


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Turnover of one account in fen: both sides grow, nothing is netted (D32)."""

    debit_fen: int = 0
    credit_fen: int = 0


#: Every account code with its Chinese and English name.
ACCOUNTS: dict[str, tuple[str, str]] = {
    "bank.income": ("收入户存款", "bank, income track"),
    "bank.spending": ("支出户存款", "bank, spending track"),
    "income.government": ("政府补助收入", "income from the government"),
    "income.society": ("社会筹集收入", "income from society"),
    "income.residents": ("居民自筹收入", "income from residents"),
    "spending.government": ("政府补助支出", "spending of government money"),
    "spending.society": ("社会筹集支出", "spending of society's money"),
    "spending.residents": ("居民自筹支出", "spending of residents' money"),
    "payable": ("应付账款", "payable"),
    "returned.government": ("退还政府结余", "surplus returned to the government"),
    "returned.society": ("退还社会结余", "surplus returned to society"),
    "returned.residents": ("退还居民结余", "surplus returned to residents"),
}


def by_source(amounts: Mapping[str, int]) -> dict[str, int]:
    """Amounts of all three sources in their fixed order; a source that is not named has 0."""
    return {source: amounts.get(source, 0) for source in SOURCES}


def draw(amount_fen: int, held: Mapping[str, int]) -> dict[str, int]:
    """How much each source gives to a payment: in proportion to what it holds, exact to the fen (C22).

    Fen that remain after rounding down go to the largest remainders, ties in the order of `SOURCES`. No source gives
    more than it holds. Raises `ValueError` when all together hold less than the amount.
    """
    total = sum(held.values())
    if not 0 < amount_fen <= total:
        raise ValueError(f"cannot draw {amount_fen} fen from {total}")
    drawn = {source: amount_fen * held[source] // total for source in SOURCES}
    remainders = sorted(SOURCES, key=lambda source: -(amount_fen * held[source] % total))
    for source in remainders[: amount_fen - sum(drawn.values())]:
        drawn[source] += 1
    return drawn


def _debit(account: str, fen: int) -> Entry:
    return Entry(account=account, debit_fen=fen)


def _credit(account: str, fen: int) -> Entry:
    return Entry(account=account, credit_fen=fen)


def _each(side: str, amounts: Mapping[str, int]) -> tuple[Entry, ...]:
    return tuple(_debit(f"{side}.{source}", fen) for source, fen in amounts.items() if fen)


def receipt(source: str, amount_fen: int) -> tuple[Entry, ...]:
    """Money comes in whole on the income track."""
    return (_debit("bank.income", amount_fen), _credit(f"income.{source}", amount_fen))


def reversal(source: str, amount_fen: int) -> tuple[Entry, ...]:
    """The opposite of a receipt that was recorded wrongly."""
    return (_debit(f"income.{source}", amount_fen), _credit("bank.income", amount_fen))


def payment(drawn: Mapping[str, int]) -> tuple[Entry, ...]:
    """The bill becomes spending by source and a debt; money moves to the spending track and the debt is paid there."""
    fen = sum(drawn.values())
    return (
        *_each("spending", drawn),
        _credit("payable", fen),
        _debit("bank.spending", fen),
        _credit("bank.income", fen),
        _debit("payable", fen),
        _credit("bank.spending", fen),
    )


def surplus(returned: Mapping[str, int]) -> tuple[Entry, ...]:
    """What was never spent leaves the income track, back to the sources; no entries when it is nothing."""
    fen = sum(returned.values())
    return (*_each("returned", returned), _credit("bank.income", fen)) if fen else ()


def post(accounts: Mapping[str, Balance], entries: Iterable[Entry]) -> dict[str, Balance]:
    """The accounts after a journal entry."""
    posted = dict(accounts)
    for entry in entries:
        before = posted.get(entry.account, Balance())
        posted[entry.account] = Balance(
            debit_fen=before.debit_fen + entry.debit_fen, credit_fen=before.credit_fen + entry.credit_fen
        )
    return posted


def turned_over(accounts: Mapping[str, Balance], side: str) -> dict[str, int]:
    """What `income`, `spending` or `returned` accounts stand at by source: the one side less the other."""
    sign = -1 if side == "income" else 1
    found = {source: accounts.get(f"{side}.{source}", Balance()) for source in SOURCES}
    return {source: sign * (one.debit_fen - one.credit_fen) for source, one in found.items()}
