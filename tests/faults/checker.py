"""Compares what was acknowledged with what is stored: nothing lost, nothing doubled, nothing out of order, every view its replay."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.console.catalogue import OWNERS
from shared.domain.record import Record
from shared.log import EventLog, StoredCommit, records_of
from shared.log.record import verify_chain
from shared.service.storage import open_log
from tests.faults.city import City

#: The marks that the load writes into its commands, such as k3-17 and, for the findings of a patrol, k3-17-f2.
_MARK = re.compile(rb"(?<![0-9A-Za-z-])[a-z]+\d+-\d+(?:-f\d)?(?![0-9A-Za-z-])")

#: How often a running city is asked whether its ledger holds all that is in the logs.
SETTLING = 10


@dataclass
class Findings:
    """What was found; all lists are empty when all is well."""

    acknowledged: int = 0
    events: int = 0
    clock: int = 0  # of them those that clocks recorded
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def all_well(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.doubled or self.reordered or self.wrong)

    def __str__(self) -> str:
        """The counts, and the first few of what was found."""
        shown = [*self.lost[:5], *self.doubled[:5], *self.reordered[:5], *self.wrong[:5]]
        counts = (
            f"{self.acknowledged} acknowledged, {self.events} events, {self.clock} by clocks; lost {len(self.lost)}, "
        )
        return (
            counts
            + f"doubled {len(self.doubled)}, reordered {len(self.reordered)}, wrong {len(self.wrong)}"
            + "".join(f"\n  {line}" for line in shown)
        )


def check(city: City, acknowledgements: Path) -> Findings:
    """Check a city that has converged and is not being written to."""
    found = Findings()
    logs = {name: open_log(city.settings, name, read_only=True) for name in OWNERS}
    stored = {name: _commits(name, log, found) for name, log in logs.items()}
    lines = [json.loads(line) for line in acknowledgements.read_text(encoding="utf-8").splitlines()]
    found.acknowledged = len(lines)
    effects = _effects(stored, found)
    for line in lines:
        _check_receipt(line, stored, found)
    _check_order(lines, found)
    _check_marks(lines, effects, found)
    _check_policies(stored, effects, found)
    _check_clock(stored, found)
    _check_commands(city, found)
    for log in logs.values():
        log.close()
    return found


def _commits(name: str, log: EventLog, found: Findings) -> list[StoredCommit]:
    commits = list(
        verify_chain(log.read_commits())
    )  # raises when the chain does not hold, positions have a gap or versions
    found.events += commits[-1].last_position if commits else 0
    for command_id, count in Counter(commit.command_id for commit in commits).items():
        if count > 1:
            found.doubled.append(f"{name}: {count} commits of command {command_id}")
    return commits


def _check_receipt(line: dict[str, Any], stored: dict[str, list[StoredCommit]], found: Findings) -> None:
    receipt = line["receipt"]
    wanted = f"{line['actor']}:{line['key']}"
    here = [commit for commit in stored[receipt["service"]] if commit.command_id == wanted]
    if not here:
        found.lost.append(
            f"{receipt['service']}: {line['command']} {wanted}, acknowledged at {receipt['position']}, is not in the log"
        )
    elif (here[0].last_position, here[0].last_version) != (receipt["position"], receipt["version"]):
        found.wrong.append(
            f"{wanted}: acknowledged as {receipt}, stored at {here[0].last_position} version {here[0].last_version}"
        )


def _check_order(lines: list[dict[str, Any]], found: Findings) -> None:
    """Whoever sent two commands on one case, one after the other, must find them in that order."""
    last: dict[tuple[str, str, str], int] = {}
    for line in lines:
        receipt = line["receipt"]
        case = (line["key"].partition("-")[0], receipt["service"], receipt["id"])
        if receipt["version"] <= last.get(case, 0):
            found.reordered.append(
                f"{line['command']} {line['key']} has version {receipt['version']} after {last[case]}"
            )
        last[case] = receipt["version"]


def _effects(stored: dict[str, list[StoredCommit]], found: Findings) -> Counter[tuple[str, str, str]]:
    """How many events of a service and type carry a mark, found in their data and not by any id that removes doubles."""
    effects: Counter[tuple[str, str, str]] = Counter()
    for name, commits in stored.items():
        for commit in commits:
            for record in records_of(commit):
                effects.update((name, record.type, mark.decode()) for mark in set(_MARK.findall(bytes(record.data))))
    found.doubled += [
        f"{count} {name}.{type} with {mark}" for (name, type, mark), count in effects.items() if count > 1
    ]
    return effects


def _check_marks(lines: list[dict[str, Any]], effects: Counter[tuple[str, str, str]], found: Findings) -> None:
    marks = {mark for _, _, mark in effects}
    silent = {"accept_issue"}  # its fact carries no text
    found.lost += [f"no event carries {line['key']} of {line['command']}" for line in lines
                   if line["command"] not in silent and line["key"] not in marks]  # fmt: skip


def _check_policies(
    stored: dict[str, list[StoredCommit]], effects: Counter[tuple[str, str, str]], found: Findings
) -> None:
    """Every finding of every patrol became one issue, whatever happened between the two services."""
    for record in _records(stored["volunteers"], "PatrolLogged"):
        for finding in json.loads(bytes(record.data))["findings"]:
            if effects["issues", "IssueReported", finding["description"]] != 1:
                found.lost.append(f"the finding {finding['description']} became no issue")


def _check_clock(stored: dict[str, list[StoredCommit]], found: Findings) -> None:
    """What a day meant for a thing was recorded once, wherever the clock was killed, and whoever else ticked."""
    acts = Counter(
        (name, record.actor, record.stream, bytes(record.data))
        for name, commits in stored.items()
        for commit in commits
        for record in records_of(commit)
        if record.actor.startswith("clock:")
    )
    found.clock = acts.total()
    found.doubled += [
        f"{count} times {actor} on {stream}" for (_, actor, stream, _), count in acts.items() if count > 1
    ]


def _records(commits: list[StoredCommit], type: str) -> list[Record]:
    return [record for commit in commits for record in records_of(commit) if record.type == type]


def _check_commands(city: City, found: Findings) -> None:
    """What auditors run: every chain and the ledger from raw records, and all views folded anew."""
    for word in ("verify", "replay"):
        for _attempt in range(SETTLING):
            done = city.linli(word, "--json")
            if done.returncode or word != "verify":
                break
            report = json.loads(done.stdout)
            events = sum(log["events"] for log in report["logs"])
            if whole := (report["ledger"]["entries"], report["ledger"]["waiting"]) == (events, 0):
                break
            time.sleep(1)  # the city notes that somebody asked, and enters that
        if done.returncode:
            found.wrong.append(f"linli {word}: {done.stderr or done.stdout[-500:]}")
            continue
        report = json.loads(done.stdout)
        if word == "verify":
            if not whole:
                found.wrong.append(f"the ledger does not hold all {events} events: {report['ledger']}")
        elif report["differences"]:
            found.wrong.append(f"views differ from their replay: {report['differences']}")
    for name, service in city.status().items():
        parked = {source: follower["parked"] for source, follower in service["followers"].items() if follower["parked"]}
        if parked:
            found.wrong.append(f"{name} has parked facts: {parked}")
