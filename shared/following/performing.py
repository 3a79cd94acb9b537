"""Gives declared commands: arguments to ids, known references, the window for late entries, and what may be done next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from shared.domain.city import City
from shared.domain.command import Command, On
from shared.domain.errors import IllegalStateError
from shared.domain.event import Event
from shared.domain.identity import derived_id
from shared.domain.mandate import Mandate
from shared.domain.moments import TOLERANCE, moment_of, shown
from shared.domain.reader import offered
from shared.domain.view import Row, Rows
from shared.domain.words import _, said, term
from shared.following.context import CallContext
from shared.following.execute import load, remembered_state
from shared.following.node import ServiceRuntime
from shared.following.references import KNOWN, in_city, require_known
from shared.following.repeats import refuse_other
from shared.log import EventLog


def perform(
    node: ServiceRuntime,
    command: Command,
    context: CallContext,
    mandate: Mandate,
    ask: Mapping[str, Any],
    views: Rows | None = None,
    offering: bool = True,
) -> Row:
    """Give a declared command with checked arguments; the receipt as plain data, with what the caller may do next.

    The id stands under its own name too (`receipt_id`), "" where nothing was made.

    Raises the `DomainError` of the declaration or the decision. Without `offering` it does not say what comes next.
    """
    today = node.city(views=views)
    arguments = {field.name: ask[field.name] for field in command.asked}
    id = command.id_of(ask, mandate, lambda kind: derived_id(node.name, kind, context.command_id))

    def checked(state: Any, *, by: Mandate, **given: Any) -> Iterable[Event | On]:
        decided = command.give(state, by=by, ask=ask, **given)
        if decided:  # last, so that only who may do this learns what there is
            require_known(command, ask, _known(node, today, views))
            _in_its_window(node.log, command, context, today)
        return decided

    def repeated(state: Any, held: Mapping[str, Any]) -> None:
        if not command.decider.exists(state):
            return

        def again(at: str) -> list[Event | On]:
            city = node.city(at[:10], views)
            given = dict.fromkeys(command.needs.city, city) | dict.fromkeys(command.needs.open, node.open)
            return list(command.decide(command.decider.initial(id), by=mandate, at=at, **given, **held, **arguments))

        records = list(node.log.read_stream(command.decider.stream(id)))
        refuse_other(command, id, records, again, node.open)

    receipt = node.decide(
        command.decider,
        id,
        checked,
        context,
        mandate,
        command.name,
        wanted=command.needs,
        alone=command.alone,
        views=views,
        repeated=repeated if command.new is not None and not command.compares else None,
        **arguments,
    )
    state = remembered_state(node.log, command.decider, id)
    if state is None:  # a twin of the command was faster
        state = load(node.log, command.decider, id)[0]
    if command.erases is not None and node.personal is not None:
        gone = command.erases(state)
        for subject in (gone,) if isinstance(gone, str) else gone:
            node.personal.erase(subject)  # a repeated command comes here again if this was interrupted
    exists = receipt.events > 0 or (state is not None and command.decider.exists(state))
    return {
        "id": id,
        command.decider.id_field: id if exists else "",
        "service": node.name,
        "position": receipt.position or node.log.head().position,
        "version": receipt.version,
        "events": receipt.events,
        # what other rows say is as of a moment ago: nobody waits for the views because of what may come next
        "actions": offered(command.decider, state, mandate, node.city()) if offering and state is not None else [],
    }


def _in_its_window(log: EventLog, command: Command, context: CallContext, city: City) -> None:
    """Raise `IllegalStateError` for what is dated further back than the command may be, unless an operator imports it."""
    if context.at_once or context.imported or not context.occurred:
        return
    now = moment_of(log.clock())
    days = city.window(command.name, command.power) if command.late is None else command.late
    given = {"command": term("command", command.name), "occurred": shown(context.occurred)}
    fields = {"occurred": said(_("too long ago"))}
    if not days and moment_of(context.occurred) < now - TOLERANCE:
        raise IllegalStateError(
            _("{command} is recorded when it happens and never dated back; {occurred} is past"), fields, **given
        )
    earliest = (now - timedelta(days)).date().isoformat()
    if days and context.occurred[:10] < earliest:
        raise IllegalStateError(
            _(
                "{command} may be entered {days} days late at most, so for {earliest} and later; {occurred} is too long ago"
            ),
            fields,
            days=days,
            earliest=earliest,
            **given,
        )


def _known(node: ServiceRuntime, city: City, views: Rows | None) -> Callable[[str, str], bool]:
    """Tell whether there is a thing, by category and id; things that this service does not follow may be anything."""
    own = {decider.category: decider for decider in node.definition.deciders}

    def known(category: str, id: str) -> bool:
        if (decider := own.get(category)) is not None:
            return bool(decider.exists(load(node.log, decider, id)[0]))
        if KNOWN + category in node.derived_views:
            return (views or node.views).get(KNOWN + category, id) is not None
        return in_city(city, category, id) is not False

    return known
