"""Every aggregate of every service under the generic state machine of `tests.kit.machine`.

`python -m tests.properties.test_every_aggregate [CATEGORY…]` prints how often each command of each aggregate wrote something.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from services.console.catalogue import OWNERS, definition
from services.registry.entry.checks import faults
from shared.domain.catalogue import KINDS, data_of
from shared.domain.decider import Decider
from tests.kit.machine import World, machine_for
from tests.kit.mechanisms import CODES

#: The same runs each time.
BOUNDED = settings(
    stateful_step_count=60,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
#: Runs of an aggregate: these, and one for each command, up to so many: the whole file takes less than a minute and a half.
LEAST, MOST = 6, 14
#: Commands that so few runs need not reach: they come late in a long story.
SELDOM: Mapping[str, set[str]] = {
    "place": {"end_place"},
    "link": {"decline_link"},
    "selection": {
        *("attest_criterion", "accept_candidate", "begin_voting"),
        *("record_ballot", "close_selection", "seat_candidate"),
    },
    "owners-vote": {"count_owners_ballots"},
    "regulation": {
        *("comment_draft", "answer_comment", "answer_notice"),
        *("acknowledge_regulation", "end_regulation", "forget_households"),
    },
    "meeting": {"resolve_item", "carry_out_resolution"},
    "participation": {"advance_unit"},
    "issue": {
        *("accept_issue", "return_issue", "ask_extension", "decline_extension", "extend_issue", "resolve_issue"),
        *("record_follow_up", "close_issue", "reopen_issue", "withdraw_issue", "release_issue", "strike_out_issue"),
        "erase_contact",
    },
    "whistle": {"finish_part", "close_whistle"},
    "mediation": {"settle_dispute", "end_mediation", "erase_parties"},
    "volunteer": {"erase_volunteer"},
    "wish": {"reject_wish", "dispute_wish", "confirm_wish", "erase_wisher"},
    "project": {"raise_budget", "accept_project"},
    "receipt": {"erase_payer"},
    "payment": {"explain_payment", "sign_payment", "make_payment", "erase_payee"},
}
#: What there is of these another aggregate's late commands make: so few runs try refusals of theirs only.
BEHIND = {"acknowledgement": {"erase_household_note"}, "response": {"erase_answer"}}
AGGREGATES = [
    pytest.param(name, decider, id=decider.category)
    for name in OWNERS
    for decider in definition(name).deciders
    if decider.commands
]


def tried(world: World, service: str, decider: Decider[Any]) -> Counter[str]:
    """How often each command of an aggregate wrote something, in as many runs as it has use for."""
    machine = machine_for(world, definition(service), decider)
    runs = min(MOST, LEAST + len(decider.commands))
    run_state_machine_as_test(machine, settings=settings(BOUNDED, max_examples=runs))
    return Counter({name: machine.done[name] for name in decider.commands})


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The world of each service, told once."""
    return cache(lambda service: World(service, Path(tmp_path_factory.mktemp(service))))


@pytest.mark.parametrize(("service", "decider"), AGGREGATES)
def test_whatever_is_commanded(service: str, decider: Decider[Any], worlds: Any) -> None:
    """All that the machine asserts holds, and it reaches every command but those that come late in a long story."""
    done = tried(worlds(service), service, decider)
    unreached = {name for name in decider.commands if not done[name]}
    assert unreached <= SELDOM.get(decider.category, set()) | BEHIND.get(decider.category, set()), (
        "the machine proves nothing about a command that is always refused"
    )
    assert done.total() or decider.category in BEHIND, "no command ever did anything"


def test_the_city_has_an_entry_of_every_kind_such_as_it_would_adopt() -> None:
    """None but windows for late entries, which the machine reckons with itself."""
    assert set(KINDS) - set(CODES) == {"windows"}
    entries = [(kind, code, data) for kind, codes in CODES.items() for code, data in codes.items()]
    wrong = {
        f"{kind}.{code}": found
        for kind, code, data in entries
        if (found := faults(kind, code, msgspec.to_builtins(data_of(kind, data)), lambda other: CODES.get(other, {})))
    }
    assert wrong == {}


def main(*categories: str) -> None:
    """Print how often each command of each aggregate wrote something, and how many ever did."""
    reached = Counter[str]()
    with TemporaryDirectory() as folder:
        for name in OWNERS:
            (Path(folder) / name).mkdir()
            deciders = [one for one in definition(name).deciders if one.commands]
            wanted = [one for one in deciders if not categories or one.category in categories]
            world = World(name, Path(folder) / name) if wanted else None
            for decider in wanted:
                assert world is not None
                done = tried(world, name, decider)
                some = sum(1 for count in done.values() if count)
                reached.update(all=len(done), some=some)
                told = " ".join(f"{command}:{count}" for command, count in done.items())
                print(f"{decider.category:15} {some:3}/{len(done):<3} {told}", flush=True)
    print(f"{'all':15} {reached['some']:3}/{reached['all']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
